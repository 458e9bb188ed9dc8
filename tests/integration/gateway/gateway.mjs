// A real wechaty gateway (PuppetServer) over a mocked account, for tests. What people do in WeChat is injected through
// a control port: POST /<action> with a JSON body. Each account has a server, a control port and a record of its own.
//
//   PORT=… CONTROL=… node gateway.mjs   also: TOKEN ME NAME ROOM ROOMS MEMBERS FAT=1 ECHO=0 IDS=0 DONG=0 CERT KEY DATA KEEPALIVE (see below)
//   ACCOUNTS='[{"PORT": …, "CONTROL": …}, …]' node gateway.mjs   several accounts in one process; what one leaves out is shared
//
// It prints `up` when all of them listen, and ends with its standard input, so that no test leaves it behind.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileBox } from 'file-box'
import { grpc } from 'wechaty-grpc'
import * as PUPPET from 'wechaty-puppet'
import { PuppetMock, mock } from 'wechaty-puppet-mock'
import { PuppetServer } from 'wechaty-puppet-service'

const Type = PUPPET.types.Message

// ---------------------------------------------------------------- count every call
let counting // of the account whose server is being made: one is made after the other
const addService = grpc.Server.prototype.addService
grpc.Server.prototype.addService = function (definition, implementation) {
  const traffic = counting
  let listened = false // an event stream is let in and not closed yet
  if (traffic.keepalive) Object.assign(this, { keepaliveTimeMs: traffic.keepalive, keepaliveTimeoutMs: traffic.keepalive })
  for (const [name, handler] of Object.entries(implementation)) {
    implementation[name] = (call, callback) => {
      traffic.calls[name] = (traffic.calls[name] ?? 0) + 1
      if (!callback && name !== 'event') return handler(call) // a file that is downloaded
      if (!callback) { // the event stream
        if (!listened) { // the server refuses a second one beside it
          listened = true
          traffic.streams += 1
          call.once('close', () => { listened = false })
        }
        return handler(call)
      }
      traffic.mostInFlight = Math.max(traffic.mostInFlight, ++traffic.inFlight)
      return handler(call, (...answer) => { traffic.inFlight -= 1; callback(...answer) })
    }
  }
  return addService.call(this, definition, implementation)
}

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
process.on('uncaughtException', error => console.error('uncaught', error))
process.on('unhandledRejection', error => console.error('unhandled', error))

try {
  for (const settings of JSON.parse(process.env.ACCOUNTS ?? '[{}]')) await host({ ...process.env, ...settings })
  console.log('up')
} catch (error) { // a port is taken: who speaks to it would drive another account
  console.error('not up', error)
  process.exit(1)
}

/** One account behind a server of its own. */
async function host (env) {
  const PORT = env.PORT ?? '0'
  const CONTROL = Number(env.CONTROL ?? 0)
  const TOKEN = env.TOKEN ?? 'test-token'
  const ME = env.ME ?? 'wxid_bot'
  const NAME = env.NAME ?? '小格'
  const ROOMS = Number(env.ROOMS ?? 10)
  const ROOM = env.ROOM ?? 'R' // how the ids of this account's rooms begin: WeChat has one id for a room, whoever is in it
  const MEMBERS = Number(env.MEMBERS ?? 20)
  let fat = env.FAT === '1' // events bring the payload along
  const ECHO = env.ECHO !== '0' // our own messages come back as events
  const IDS = env.IDS !== '0' // sends answer with the message's id
  const DONG = env.DONG !== '0' // a Ding is answered on the event stream
  const { CERT, KEY } = env // PEM: TLS
  const DATA = env.DATA // a file that outlives the process: messages can still be fetched, sends are still known
  const roomId = number => `${ROOM}${number}@chatroom`

  const keepalive = 500 * Number(env.KEEPALIVE ?? 0) // seconds until a client that answers no ping is let go; 0: never
  const traffic = { keepalive, calls: {}, streams: 0, inFlight: 0, mostInFlight: 0 }

  // ---------------------------------------------------------------- the account
  const sent = []
  const accepted = []
  const settings = new Map() // `${setter} ${id}` → text
  const aliases = new Map() // `${room} ${member}` → the name in that room
  const friendships = new Map()
  const invitations = new Map()
  const files = new Map() // message → how its FileBox is made
  let slowness = 0 // milliseconds that a message's payload takes
  let slowSends = 0 // milliseconds until a send goes out, and again until it is answered
  let fault = null // { kind, times }: of sends throttle | expired | reject | hang | lost, of setters ignore | mute (cannot be read back)

  class Account extends PuppetMock {
    // PuppetMock's setters do nothing: here they have an effect, and can fail.
    async messageSendText (to, text, mentions) { return this.send(to, { text, mentions: mentions ?? [] }) }

    async messageSendFile (to, file) { // what arrived is told by its hash
      const data = await file.toBuffer()
      const sha256 = createHash('sha256').update(data).digest('hex')
      return this.send(to, { text: '', mentions: [], file: { name: file.name, type: file.mediaType, size: data.length, sha256 } })
    }

    async send (to, { text, mentions, file }) {
      const kind = fault?.kind
      if (kind) {
        fault.times -= 1
        if (fault.times <= 0) fault = null
        if (kind === 'throttle') throw new Error('操作过于频繁，可稍后再试。')
        if (kind === 'expired') throw new Error('AssertionError [ERR_ASSERTION]: 1101 == 0') // wechat4u, logged out
        if (kind === 'reject') throw new Error('no such conversation')
        if (kind === 'hang') return new Promise(() => {})
      }
      if (slowSends) await sleep(slowSends)
      const id = `s${boot}_${sent.length}`
      sent.push({ id, to, text, mentions, ...(file && { file }), at: Date.now() })
      if (DATA) fs.appendFileSync(DATA, JSON.stringify({ sent: sent.at(-1) }) + '\n')
      const type = !file ? Type.Text : file.type.startsWith('image/') ? Type.Image : Type.Attachment
      const payload = { id, talkerId: ME, text, timestamp: Date.now(), type, mentionIdList: mentions }
      if (to.endsWith('@chatroom')) payload.roomId = to
      else payload.listenerId = to
      remember(payload)
      if (ECHO) setImmediate(() => announce(payload))
      if (kind === 'lost') return new Promise(() => {}) // it went out, the answer does not come
      if (slowSends) await sleep(slowSends)
      return IDS ? id : undefined
    }

    // PuppetMock's own report success and change nothing, as some puppets do: that is the fault `ignore`.
    async set (what, id, text) {
      const key = `${what} ${id}`
      if (text === undefined) {
        if (fault?.kind === 'mute') throw new Error('not implemented')
        return settings.get(key) ?? ''
      }
      if (fault?.kind !== 'ignore') settings.set(key, text)
    }

    async roomAnnounce (id, text) { return this.set('announcement', id, text) }
    async roomTopic (id, text) { return this.set('topic', id, text) }
    async contactAlias (id, text) { return this.set('alias', id, text) }

    ding (data) { if (DONG) super.ding(data) }

    async messageRawPayload (id) {
      if (slowness) await sleep(slowness)
      return super.messageRawPayload(id)
    }

    async roomMemberRawPayload (room, member) {
      return { ...await super.roomMemberRawPayload(room, member), roomAlias: aliases.get(`${room} ${member}`) }
    }

    async messageImage (id) { return known(files, id)() }
    async messageFile (id) { return known(files, id)() }

    async friendshipRawPayload (id) { return known(friendships, id) }
    async friendshipAccept (id) { accepted.push(known(friendships, id).id) }
    async roomInvitationRawPayload (id) { return known(invitations, id) }
    async roomInvitationAccept (id) { accepted.push(known(invitations, id).id) }
  }

  function known (map, id) {
    if (!map.has(id)) throw new Error(`no payload for ${id}`)
    return map.get(id)
  }

  function remember (payload) {
    mocker.cacheMessagePayload.set(payload.id, payload)
    if (DATA) fs.appendFileSync(DATA, JSON.stringify({ payload }) + '\n')
  }

  const mocker = new mock.Mocker()
  const puppet = new Account({ mocker })
  const people = []
  let bot

  function contact (id, name, friend = true) {
    return mocker.createContact({ id, name, friend, avatar: '', gender: 0, phone: [], type: 1 })
  }

  mocker.use(() => { // runs at every start of the puppet
    if (!bot) {
      bot = contact(ME, NAME)
      for (let i = 0; i < MEMBERS; i++) people.push(contact(`wxid_m${i}`, `居民${i}`, i % 2 === 0))
      for (let i = 0; i < ROOMS; i++) {
        mocker.createRoom({
          id: roomId(i),
          topic: `幸福里${i}号微网格群`,
          ownerId: ME,
          adminIdList: [],
          avatar: '',
          memberIdList: [ME, ...people.map(one => one.id)],
        })
      }
    }
    if (!puppet.isLoggedIn) mocker.login(bot)
    puppet.emit('ready', { data: 'ready' })
    return () => puppet.isLoggedIn && puppet.logout()
  })

  // ---------------------------------------------------------------- what people do
  const boot = Date.now().toString(36)
  let count = 0

  if (DATA && fs.existsSync(DATA)) {
    for (const line of fs.readFileSync(DATA, 'utf8').split('\n').filter(Boolean)) {
      const { payload, sent: before } = JSON.parse(line)
      if (payload) mocker.cacheMessagePayload.set(payload.id, payload)
      if (before) sent.push(before)
    }
  }

  function announce (payload) {
    puppet.emit('message', fat ? { messageId: payload.id, payload } : { messageId: payload.id })
  }

  /** Any message: what is not given is a text of wxid_m0 in R0, now. `room: null` makes it private. `file` is what it
      shows: { name, base64 } or { name, zeros } of so many bytes, or the { url } of one. */
  function message ({ id, type, text, room, from, mentions, at, silent, filename, file }) {
    const payload = {
      id: id ?? `m${boot}_${++count}`,
      talkerId: from ?? 'wxid_m0',
      timestamp: at ?? Date.now(),
      type: type ?? Type.Text,
      text: text ?? '',
      filename,
    }
    if (room === null) payload.listenerId = ME
    else Object.assign(payload, { roomId: room ?? roomId(0), mentionIdList: mentions ?? [] })
    remember(payload)
    if (file) {
      const data = file.base64 === undefined ? Buffer.alloc(file.zeros ?? 0) : Buffer.from(file.base64, 'base64')
      files.set(payload.id, () => file.url ? FileBox.fromUrl(file.url, { name: file.name }) : FileBox.fromBase64(data.toString('base64'), file.name))
    }
    if (!silent) announce(payload)
    return { id: payload.id }
  }

  function emit (name, payload) {
    puppet.emit(name, payload)
    return {}
  }

  function roomOf (id) { return mocker.roomPayload(id ?? roomId(0)) }

  const actions = {
    message,
    atall: ({ room, text, from }) => message({
      room, from, text: text ?? '@所有人\u2005明天停水', mentions: roomOf(room).memberIdList.filter(one => one !== (from ?? 'wxid_m0')),
    }),
    image ({ room }) { // through the mocker's own API, as a person's client does it
      people[1].say(FileBox.fromBase64('iVBORw0KGgo=', 'p.png')).to(mocker.RoomMock.load(room ?? roomId(0)))
      return {}
    },
    again: ({ id }) => { announce(mocker.cacheMessagePayload.get(id)); return {} },
    join ({ room, people: ids, by, at }) {
      const payload = roomOf(room)
      for (const id of ids) {
        if (!mocker.cacheContactPayload.has(id)) contact(id, `新人${id}`)
        if (!payload.memberIdList.includes(id)) payload.memberIdList.push(id)
      }
      return emit('room-join', { roomId: payload.id, inviteeIdList: ids, inviterId: by ?? 'wxid_m0', timestamp: at ?? Date.now() })
    },
    leave ({ room, people: ids, by, at }) {
      const payload = roomOf(room)
      payload.memberIdList = payload.memberIdList.filter(one => !ids.includes(one))
      return emit('room-leave', { roomId: payload.id, removeeIdList: ids, removerId: by ?? ids[0], timestamp: at ?? Date.now() })
    },
    topic ({ room, topic, by, at }) {
      const payload = roomOf(room)
      const oldTopic = payload.topic
      payload.topic = topic
      puppet.cache.room.delete(payload.id)
      return emit('room-topic', { roomId: payload.id, newTopic: topic, oldTopic, changerId: by ?? 'wxid_m0', timestamp: at ?? Date.now() })
    },
    alias ({ room, member, alias }) {
      aliases.set(`${room ?? roomId(0)} ${member}`, alias)
      puppet.dirtyPayload(PUPPET.types.Payload.RoomMember, room ?? roomId(0))
      return {}
    },
    rename ({ id, name, friend }) {
      Object.assign(mocker.contactPayload(id), { name, ...(friend === undefined ? {} : { friend }) })
      puppet.dirtyPayload(PUPPET.types.Payload.Contact, id)
      return {}
    },
    friend ({ id, from, hello, type }) {
      friendships.set(id, { id, contactId: from, hello: hello ?? '', type: type ?? 2, timestamp: 0, ticket: 't' })
      return emit('friendship', { friendshipId: id })
    },
    invite ({ id, from, topic }) {
      invitations.set(id, {
        id, inviterId: from, topic, avatar: '', invitation: '', memberCount: 9, memberIdList: [], timestamp: Date.now(), receiverId: ME,
      })
      return emit('room-invite', { roomInvitationId: id })
    },
    error: () => emit('error', new Error('upstream broke')),
    malformed () { // what JSON.stringify makes of these reaches the client as the payload
      for (const name of ['message', 'room-join', 'room-leave', 'room-topic', 'room-invite', 'friendship', 'dirty']) {
        for (const payload of [undefined, null, {}, [], 7, { messageId: 7, roomId: 8, payloadType: 'x' }]) {
          try { puppet.emit(name, payload) } catch { /* the puppet's own listeners may stumble, the wire has it by then */ }
        }
      }
      return {}
    },
    async logout () { await puppet.logout('test'); return {} },
    login () { mocker.login(bot); return {} },
    slow ({ ms, sends }) { // what is not given stays
      slowness = ms ?? slowness
      slowSends = sends ?? slowSends
      return {}
    },
    fat ({ on }) { fat = on; return {} },
    batch: ({ messages }) => messages.map(message),
    fault ({ kind, times }) { fault = kind ? { kind, times: times ?? 1 } : null; return {} },
    /** `texts` spread over rooms and people, as fast as the wire takes them. */
    async burst ({ tag, texts, rooms, at }) {
      for (const [i, text] of texts.entries()) {
        const room = roomId(i % (rooms ?? ROOMS))
        message({ id: `${tag}${i}`, room, from: `wxid_m${i % MEMBERS}`, text, at })
        if (i % 200 === 199) await new Promise(setImmediate)
      }
      return {}
    },
    stats: () => ({ ...traffic, sent, accepted, settings: Object.fromEntries(settings) }),
  }

  const control = http.createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    try {
      const answer = await actions[request.url.slice(1)](body ? JSON.parse(body) : {})
      response.end(JSON.stringify(answer))
    } catch (error) {
      response.statusCode = 500
      response.end(String(error?.stack ?? error))
    }
  })
  await new Promise((resolve, reject) => control.once('error', reject).listen(CONTROL, '127.0.0.1', resolve))

  const tls = CERT ? { serverCert: CERT, serverKey: KEY } : { disable: true }
  counting = traffic
  await new PuppetServer({ endpoint: `127.0.0.1:${PORT}`, puppet, token: TOKEN, tls }).start()
  await puppet.start()
}
