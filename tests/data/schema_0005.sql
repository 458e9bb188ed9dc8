-- bind code: CJNVG9C3
BEGIN TRANSACTION;
CREATE TABLE accounts (
	name TEXT NOT NULL, 
	since BIGINT, 
	stopped_until BIGINT, 
	throttled_at BIGINT, 
	share FLOAT NOT NULL, 
	dead_at BIGINT, 
	dead_why TEXT, 
	CONSTRAINT accounts_pkey PRIMARY KEY (name), 
	CONSTRAINT accounts_share_check CHECK (share > 0 AND share <= 1)
);
INSERT INTO "accounts" VALUES('a',1795163400123456,1795164000123456,1795163400123456,0.5,NULL,NULL);
INSERT INTO "accounts" VALUES('lost',1795163400123456,NULL,NULL,1.0,1795163400123456,'logged out');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE alerts (
	source TEXT NOT NULL, 
	alert_id TEXT NOT NULL, 
	device TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	level TEXT NOT NULL, 
	text TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	ticket INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	cleared BOOLEAN NOT NULL, 
	told_cleared BOOLEAN NOT NULL, 
	told_at BIGINT, 
	notice INTEGER, 
	CONSTRAINT alerts_pkey PRIMARY KEY (source, alert_id), 
	CONSTRAINT alerts_level_check CHECK (level IN ('blue', 'yellow', 'orange', 'red')), 
	CONSTRAINT alerts_count_check CHECK (count > 0), 
	CONSTRAINT alerts_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT alerts_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "alerts" VALUES('gas','e-1','g-0031','甲烷超限','orange','9%LEL','519999001001001001',1,1795163400123456,3,0,0,1795163400123456,1);
CREATE TABLE aliases (
	account TEXT NOT NULL, 
	im_id TEXT NOT NULL, 
	person_id INTEGER NOT NULL, 
	friend BOOLEAN NOT NULL, 
	nick TEXT NOT NULL, 
	CONSTRAINT aliases_pkey PRIMARY KEY (account, im_id), 
	CONSTRAINT aliases_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "aliases" VALUES('a','u-worker',1,1,'网格员小王');
INSERT INTO "aliases" VALUES('a','u-li',2,0,'3-2-1502 李姐');
INSERT INTO "aliases" VALUES('a','u-zhou',3,1,'老周');
INSERT INTO "aliases" VALUES('a','u-lin',4,1,'');
INSERT INTO "aliases" VALUES('a','u-chen',5,1,'');
CREATE TABLE answer_cursors (
	upstream TEXT NOT NULL, 
	cursor TEXT NOT NULL, 
	read_at BIGINT NOT NULL, 
	CONSTRAINT answer_cursors_pkey PRIMARY KEY (upstream)
);
INSERT INTO "answer_cursors" VALUES('street','17',1795163400123456);
CREATE TABLE answer_replies (
	upstream TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	body TEXT NOT NULL, 
	reply TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT answer_replies_pkey PRIMARY KEY (upstream, "key")
);
INSERT INTO "answer_replies" VALUES('street','k1','0000000000000000000000000000000000000000000000000000000000000000','{}',1795163400123456);
CREATE TABLE answers (
	upstream TEXT NOT NULL, 
	ticket INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	heard_at BIGINT NOT NULL, 
	held TEXT, 
	here TEXT, 
	CONSTRAINT answers_pkey PRIMARY KEY (upstream, ticket), 
	CONSTRAINT answers_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE, 
	CONSTRAINT answers_held_check CHECK ((held IS NULL) = (here IS NULL))
);
INSERT INTO "answers" VALUES('street',1,7,'done',1795163400123456,'{"ticket": 1, "revision": 7, "based_on": 3, "state": "done", "at": "2026-11-20 08:30:00.123456+00:00", "ref": "A-17", "assigned_to": "", "result": "已更换", "public_answer": "", "reason": ""}','callback');
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	action TEXT NOT NULL, 
	actor INTEGER, 
	"right" TEXT, 
	ticket INTEGER, 
	"before" TEXT, 
	"after" TEXT, 
	account TEXT, 
	message_id TEXT, 
	detail TEXT NOT NULL, 
	prev TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT audit_pkey PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,1795163400123456,'file',2,NULL,1,NULL,'filed','a','m0','{}','0000000000000000000000000000000000000000000000000000000000000000','77219e3992009c86f5bdf919a7e23821ff5bd5ffb431aaa5cb415d1a9f78b5c5');
INSERT INTO "audit" VALUES(2,1795163460123456,'denied',2,NULL,NULL,NULL,NULL,NULL,NULL,'{"again":true,"command":"assign"}','77219e3992009c86f5bdf919a7e23821ff5bd5ffb431aaa5cb415d1a9f78b5c5','966f3153d5658734725a2c9ed4ab445876e640a6eb1d74e7f21b2d9d63c55407');
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	count BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT audit_head_pkey PRIMARY KEY (id), 
	CONSTRAINT audit_head_single_check CHECK (id = 1)
);
INSERT INTO "audit_head" VALUES(1,2,'966f3153d5658734725a2c9ed4ab445876e640a6eb1d74e7f21b2d9d63c55407');
CREATE TABLE bind_codes (
	person_id INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, only BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT bind_codes_pkey PRIMARY KEY (person_id), 
	CONSTRAINT bind_codes_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	CONSTRAINT bind_codes_digest_key UNIQUE (digest)
);
INSERT INTO "bind_codes" VALUES(1,X'CC071940596E5671A7BCEF3BAC204B2CE46CB80C283F95B423BE667919FAC715',2110523400123456,0);
INSERT INTO "bind_codes" VALUES(4,X'D694E219A70EDF6BDA2B5B4C39A8ED4EEE2D6AAB325EBA104F7E0BFF67777C66',1795163460123456,1);
CREATE TABLE bind_failures (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	im_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT bind_failures_pkey PRIMARY KEY (id)
);
INSERT INTO "bind_failures" VALUES(1,'a','u-zhou',1795163400123456);
CREATE TABLE calls (
	ticket INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	called INTEGER NOT NULL, 
	accepted_by INTEGER, 
	accepted_at BIGINT, 
	CONSTRAINT calls_pkey PRIMARY KEY (ticket), 
	CONSTRAINT calls_accepted_check CHECK ((accepted_by IS NULL) = (accepted_at IS NULL)), 
	CONSTRAINT calls_accepted_by_fkey FOREIGN KEY(accepted_by) REFERENCES people (id), 
	CONSTRAINT calls_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "calls" VALUES(1,1795163400123456,3,5,1795163460123456);
CREATE TABLE chain_copies (
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	signup INTEGER NOT NULL, 
	room_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	sent_at BIGINT NOT NULL, 
	leads BOOLEAN NOT NULL, 
	title TEXT NOT NULL, 
	rows TEXT NOT NULL, 
	CONSTRAINT chain_copies_pkey PRIMARY KEY (account, message_id), 
	CONSTRAINT chain_copies_signup_fkey FOREIGN KEY(signup) REFERENCES signups (number) ON DELETE CASCADE, 
	CONSTRAINT chain_copies_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT chain_copies_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "chain_copies" VALUES('a','m7',2,1,2,1795163400123456,0,'b0eacc2d0e3a716721f1976e49fe2e653574f38bef31c13f004426a8654706ae','[1]');
CREATE TABLE chain_lines (
	signup INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	building TEXT NOT NULL, 
	heads INTEGER NOT NULL, 
	proxy BOOLEAN NOT NULL, 
	author_id INTEGER, 
	at BIGINT, 
	seq INTEGER, choice TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT chain_lines_pkey PRIMARY KEY (signup, line), 
	CONSTRAINT chain_lines_signup_fkey FOREIGN KEY(signup) REFERENCES signups (number) ON DELETE CASCADE, 
	CONSTRAINT chain_lines_author_id_fkey FOREIGN KEY(author_id) REFERENCES people (id), 
	CONSTRAINT chain_lines_heads_check CHECK (heads > 0)
);
INSERT INTO "chain_lines" VALUES(2,1,'1a9f7e852020bb03a535476a279509d012eaaf0257cd5aa9fe116bba38e9c03d','张三','3栋',1,0,2,1795163400123456,1,'');
INSERT INTO "chain_lines" VALUES(1,1,'d181eec92443770e107bff1f692faaea2f7dbce42efb16b1c2222f1a8c20cd19','李姐','',1,0,NULL,NULL,NULL,'上午场');
CREATE TABLE changes (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	ticket INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT changes_ticket_version_key UNIQUE (ticket, version)
);
INSERT INTO "changes" VALUES(1,1,1,1795163400123456);
INSERT INTO "changes" VALUES(2,1,2,1795163460123456);
INSERT INTO "changes" VALUES(3,1,3,1795163520123456);
CREATE TABLE checkins (
	person_id INTEGER NOT NULL, 
	grid TEXT NOT NULL, 
	building TEXT, 
	heads INTEGER NOT NULL, 
	needs_help BOOLEAN NOT NULL, 
	note TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	closed_at BIGINT, account TEXT, message_id TEXT, household TEXT, 
	CONSTRAINT checkins_pkey PRIMARY KEY (person_id), 
	CONSTRAINT checkins_heads_check CHECK (heads > 0), 
	CONSTRAINT checkins_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT checkins_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "checkins" VALUES(2,'519999001001001001','3',2,1,'药快没了',1795163400123456,NULL,'a','m4','3-2-1502');
CREATE TABLE clocks (
	ticket INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	stage INTEGER NOT NULL, 
	next_at BIGINT, 
	CONSTRAINT clocks_pkey PRIMARY KEY (ticket, kind), 
	CONSTRAINT clocks_kind_check CHECK (kind IN ('ack', 'take', 'agreed', 'feedback', 'verify', 'close')), 
	CONSTRAINT clocks_stage_check CHECK (stage BETWEEN 0 AND 3), 
	CONSTRAINT clocks_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "clocks" VALUES(1,'close',0,1795163400123456,1795249800123456,1,1795167000123456);
CREATE TABLE counters (
	day DATE NOT NULL, 
	room_id INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT counters_pkey PRIMARY KEY (day, room_id, reason)
);
INSERT INTO "counters" VALUES('2026-11-20',1,'chat',12);
INSERT INTO "counters" VALUES('2026-11-20',0,'command',1);
CREATE TABLE deeds (
	id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	by_id INTEGER NOT NULL, 
	grid TEXT NOT NULL, 
	text TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT deeds_pkey PRIMARY KEY (id), 
	CONSTRAINT deeds_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT deeds_by_id_fkey FOREIGN KEY(by_id) REFERENCES people (id), 
	CONSTRAINT deeds_grid_check CHECK (length(grid) <= 18)
);
INSERT INTO "deeds" VALUES(1,1,1,'519999001001001001','清理楼道',1795163400123456);
CREATE TABLE deliveries (
	upstream TEXT NOT NULL, 
	ticket INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	next_at BIGINT, 
	attempts INTEGER NOT NULL, 
	replays INTEGER NOT NULL, 
	since BIGINT NOT NULL, 
	tried INTEGER, 
	sent INTEGER, 
	sent_at BIGINT, 
	hash TEXT, 
	deleted BOOLEAN NOT NULL, 
	ref TEXT, 
	code TEXT, 
	message TEXT, 
	CONSTRAINT deliveries_pkey PRIMARY KEY (upstream, ticket), 
	CONSTRAINT deliveries_state_check CHECK (state IN ('pending', 'sending', 'sent', 'parked')), 
	CONSTRAINT deliveries_next_check CHECK ((state IN ('pending', 'sending')) = (next_at IS NOT NULL)), 
	CONSTRAINT deliveries_sent_check CHECK ((sent IS NULL) = (hash IS NULL) AND (sent IS NULL) = (sent_at IS NULL))
)
 WITHOUT ROWID

;
INSERT INTO "deliveries" VALUES('street',1,3,'pending',1795163400123456,0,0,1795163400123456,1,1,1795163400123456,'0000000000000000000000000000000000000000000000000000000000000000',0,'A-17',NULL,NULL);
CREATE TABLE dialogs (
	person_id INTEGER NOT NULL, 
	step TEXT NOT NULL, 
	ticket INTEGER NOT NULL, 
	room_id INTEGER, 
	asked_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT dialogs_pkey PRIMARY KEY (person_id, step, ticket), 
	CONSTRAINT dialogs_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	CONSTRAINT dialogs_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT dialogs_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "dialogs" VALUES(2,'locate',1,1,1795163400123456,1795167000123456);
CREATE TABLE duty (
	person_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	start_at BIGINT NOT NULL, 
	end_at BIGINT NOT NULL, 
	CONSTRAINT duty_pkey PRIMARY KEY (person_id, kind, scope, start_at), 
	CONSTRAINT duty_kind_check CHECK (kind IN ('emergency', 'mode', 'call')), 
	CONSTRAINT duty_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT duty_order_check CHECK (end_at > start_at), 
	CONSTRAINT duty_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "duty" VALUES(5,'call','519999001001001',1795163400123456,1795192200123456);
CREATE TABLE faq (
	number INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	question TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	source TEXT NOT NULL, 
	person_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	removed_at BIGINT, 
	CONSTRAINT faq_pkey PRIMARY KEY (number), 
	CONSTRAINT faq_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT faq_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "faq" VALUES(1,'519999001001001','电费怎么交','网上国网','供电所',4,1795163400123456,NULL);
CREATE TABLE faq_answers (
	day DATE NOT NULL, 
	grid TEXT NOT NULL, 
	entry INTEGER NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT faq_answers_pkey PRIMARY KEY (day, grid, entry), 
	CONSTRAINT faq_answers_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT faq_answers_entry_fkey FOREIGN KEY(entry) REFERENCES faq (number)
);
INSERT INTO "faq_answers" VALUES('2026-11-20','519999001001001001',1,1);
CREATE TABLE gaps (
	account TEXT NOT NULL, 
	start_at BIGINT NOT NULL, 
	end_at BIGINT NOT NULL, 
	CONSTRAINT gaps_pkey PRIMARY KEY (account, start_at), 
	CONSTRAINT gaps_order_check CHECK (end_at >= start_at)
);
INSERT INTO "gaps" VALUES('a',1795162860123456,1795162980123456);
CREATE TABLE grants (
	person_id INTEGER NOT NULL, 
	role TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	CONSTRAINT grants_pkey PRIMARY KEY (person_id, role, scope, origin), 
	CONSTRAINT grants_role_check CHECK (role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')), 
	CONSTRAINT grants_origin_check CHECK (origin IN ('config', 'import')), 
	CONSTRAINT grants_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT grants_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "grants" VALUES(1,'grid_worker','519999001001001','config');
INSERT INTO "grants" VALUES(4,'property','519999001001001','import');
INSERT INTO "grants" VALUES(5,'volunteer','519999001001001001','import');
CREATE TABLE grid_moves (
	old TEXT NOT NULL, 
	new TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT grid_moves_pkey PRIMARY KEY (old, new), 
	CONSTRAINT grid_moves_other_check CHECK (old <> new)
);
INSERT INTO "grid_moves" VALUES('519999001001002','519999001001003',1795163400123456);
CREATE TABLE grids (
	code TEXT NOT NULL, 
	name TEXT NOT NULL, retired_at BIGINT, origin TEXT, 
	CONSTRAINT grids_pkey PRIMARY KEY (code), 
	CONSTRAINT grids_code_check CHECK (length(code) <= 18)
);
INSERT INTO "grids" VALUES('519999001001','示例社区',NULL,'config');
INSERT INTO "grids" VALUES('519999001001001','第一网格',NULL,'config');
INSERT INTO "grids" VALUES('519999001001001001','一号楼微网格',NULL,'config');
INSERT INTO "grids" VALUES('519999001001002','第二网格',1795163400123456,'import');
INSERT INTO "grids" VALUES('519999001001003','第三网格',NULL,'import');
CREATE TABLE handovers (
	id INTEGER NOT NULL, 
	need INTEGER, 
	offer INTEGER, 
	amount INTEGER, 
	proposed_at BIGINT, 
	done_at BIGINT, 
	person_id INTEGER, 
	CONSTRAINT handovers_pkey PRIMARY KEY (id), 
	CONSTRAINT handovers_amount_check CHECK (amount > 0), 
	CONSTRAINT handovers_of_something_check CHECK (need IS NOT NULL OR offer IS NOT NULL), 
	CONSTRAINT handovers_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT handovers_need_fkey FOREIGN KEY(need) REFERENCES supplies (number) ON DELETE CASCADE, 
	CONSTRAINT handovers_offer_fkey FOREIGN KEY(offer) REFERENCES supplies (number) ON DELETE CASCADE
);
INSERT INTO "handovers" VALUES(1,1,2,2,1795163400123456,NULL,NULL);
CREATE TABLE inbox (
	bucket INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	arrived_at BIGINT NOT NULL, 
	reason TEXT, 
	done_at BIGINT, 
	CONSTRAINT inbox_pkey PRIMARY KEY (bucket, account, message_id), 
	CONSTRAINT inbox_done_check CHECK ((reason IS NULL) = (done_at IS NULL))
)
 WITHOUT ROWID

;
INSERT INTO "inbox" VALUES(83109,'a','m0',1795163400123456,'ticket',1795163700123456);
INSERT INTO "inbox" VALUES(83109,'a','m1',1795163460123456,'chat',1795163700123456);
INSERT INTO "inbox" VALUES(83109,'a','m2',1795163520123456,'unfetchable',1795163760123456);
INSERT INTO "inbox" VALUES(83109,'a','m3',1795163580123456,NULL,NULL);
CREATE TABLE job_runs (
	job TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	fired_at BIGINT NOT NULL, 
	CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at)
);
INSERT INTO "job_runs" VALUES('daily',1795163400123456,1795163460123456);
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT, 
	epoch BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT leases_pkey PRIMARY KEY (name), 
	CONSTRAINT leases_holder_fkey FOREIGN KEY(holder) REFERENCES processes (holder)
);
INSERT INTO "leases" VALUES('duty',NULL,0,1795163400123456);
INSERT INTO "leases" VALUES('account:a','1f3a',1,1795163400123456);
CREATE TABLE list_items (
	id INTEGER NOT NULL, 
	listing TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	text TEXT NOT NULL, 
	person_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT list_items_pkey PRIMARY KEY (id), 
	CONSTRAINT list_items_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT list_items_listing_check CHECK (listing IN ('demand', 'resource', 'project')), 
	CONSTRAINT list_items_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "list_items" VALUES(1,'resource','519999001001001001','会议室',4,1795163400123456);
CREATE TABLE merges (
	ticket INTEGER NOT NULL, 
	target INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	grid TEXT, 
	at BIGINT NOT NULL, 
	CONSTRAINT merges_pkey PRIMARY KEY (ticket), 
	CONSTRAINT merges_target_fkey FOREIGN KEY(target) REFERENCES tickets (number), 
	CONSTRAINT merges_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "merges" VALUES(2,1,'candidate','519999001001001001',1795163400123456);
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT meta_pkey PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('meta.proof',X'A86E0A966E87D83CC777E087EAA6D186A0F6EE8E10AA');
CREATE TABLE modes (
	id INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	person_id INTEGER, 
	started_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT modes_pkey PRIMARY KEY (id), 
	CONSTRAINT modes_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT modes_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "modes" VALUES(1,'519999001001001','暴雨',4,1795163400123456,1795249800123456,NULL);
CREATE TABLE negatives (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	rules TEXT NOT NULL, 
	terms TEXT NOT NULL, 
	lexicon TEXT NOT NULL, 
	category TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT negatives_pkey PRIMARY KEY (id)
);
INSERT INTO "negatives" VALUES(1,1795163400123456,'["fault"]','["坏"]','abc123','0503','手气坏了');
CREATE TABLE notice_files (
	notice INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	mime TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	data BLOB, 
	account TEXT, 
	message_id TEXT, 
	CONSTRAINT notice_files_pkey PRIMARY KEY (notice), 
	CONSTRAINT notice_files_notice_fkey FOREIGN KEY(notice) REFERENCES notices (number) ON DELETE CASCADE
);
INSERT INTO "notice_files" VALUES(2,'体检.png','image/png',6,X'89504E470D0A','a','m7');
CREATE TABLE notice_rooms (
	notice INTEGER NOT NULL, 
	room_id INTEGER NOT NULL, 
	queued BOOLEAN NOT NULL, 
	skipped TEXT, 
	CONSTRAINT notice_rooms_pkey PRIMARY KEY (notice, room_id), 
	CONSTRAINT notice_rooms_skipped_check CHECK (skipped IN ('dormant', 'gone', 'cancelled', 'no_member')), 
	CONSTRAINT notice_rooms_notice_fkey FOREIGN KEY(notice) REFERENCES notices (number) ON DELETE CASCADE
);
INSERT INTO "notice_rooms" VALUES(1,1,0,NULL);
INSERT INTO "notice_rooms" VALUES(2,1,0,NULL);
CREATE TABLE notices (
	number INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	urgent BOOLEAN NOT NULL, 
	wide BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	author_id INTEGER NOT NULL, 
	approver_id INTEGER, 
	corrects INTEGER, 
	created_at BIGINT NOT NULL, 
	send_at BIGINT, 
	ended_at BIGINT, 
	salt BLOB, announce BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT notices_pkey PRIMARY KEY (number), 
	CONSTRAINT notices_state_check CHECK (state IN ('draft', 'scheduled', 'sending', 'sent', 'cancelled')), 
	CONSTRAINT notices_author_id_fkey FOREIGN KEY(author_id) REFERENCES people (id), 
	CONSTRAINT notices_approver_id_fkey FOREIGN KEY(approver_id) REFERENCES people (id), 
	CONSTRAINT notices_corrects_fkey FOREIGN KEY(corrects) REFERENCES notices (number)
);
INSERT INTO "notices" VALUES(1,'明天停水','',0,0,'sending',1,NULL,NULL,1795163400123456,NULL,NULL,X'FF127F2DF9B3D65F8C8B90C6DBB058D0',0);
INSERT INTO "notices" VALUES(2,'体检安排见图','',0,0,'draft',1,NULL,NULL,1795163400123456,NULL,NULL,X'339CF3B4E9B4C974A9AC244606871610',1);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	account TEXT NOT NULL, 
	conversation TEXT NOT NULL, 
	text TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	lane TEXT NOT NULL, 
	state TEXT NOT NULL, 
	not_before BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	room_id INTEGER, 
	mentions TEXT NOT NULL, 
	counted BOOLEAN NOT NULL, 
	ticket INTEGER, 
	sending_at BIGINT, 
	sent_at BIGINT, 
	message_id TEXT, 
	error TEXT, file INTEGER, 
	CONSTRAINT outbox_pkey PRIMARY KEY (id), 
	CONSTRAINT outbox_lane_check CHECK (lane IN ('emergency', 'reply', 'notice')), 
	CONSTRAINT outbox_state_check CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'dropped')), 
	CONSTRAINT outbox_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT outbox_key_key UNIQUE ("key")
);
INSERT INTO "outbox" VALUES(1,'ack:S1','a','r1','已登记','ack','reply','sent',1795163400123456,1795163400123456,0,1,'["u-li"]',1,1,1795163400123456,1795163460123456,'x1',NULL,NULL);
INSERT INTO "outbox" VALUES(2,'told:S1:1','a','r2','新诉求 S1','private','reply','queued',1795163400123456,1795163400123456,0,2,'[]',0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(3,'notice:2:1:file','a','r1','已登记','notice','notice','queued',2110523400123456,1795163400123456,0,1,'[]',0,NULL,NULL,NULL,NULL,NULL,2);
CREATE TABLE owners (
	category TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	role TEXT NOT NULL, 
	org TEXT, 
	person_id INTEGER, 
	CONSTRAINT owners_pkey PRIMARY KEY (category, scope), 
	CONSTRAINT owners_role_check CHECK (role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')), 
	CONSTRAINT owners_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT owners_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
);
INSERT INTO "owners" VALUES('05','519999001001001','property','示例物业',4);
CREATE TABLE people (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	opted_out_at BIGINT, ref TEXT, org TEXT, phone BLOB, 
	CONSTRAINT people_pkey PRIMARY KEY (id)
);
INSERT INTO "people" VALUES(1,'王示例',NULL,NULL,NULL,NULL);
INSERT INTO "people" VALUES(2,'3-2-1502 李姐',NULL,NULL,NULL,NULL);
INSERT INTO "people" VALUES(3,'老周',1795163400123456,NULL,NULL,NULL);
INSERT INTO "people" VALUES(4,'林示例',NULL,'A7','示例物业',X'0EB4A857A2E0D414959B6179C0C6DF791F9F2006486EDA80A2DB18');
INSERT INTO "people" VALUES(5,'陈示例',NULL,'A8',NULL,NULL);
CREATE TABLE point_accounts (
	id INTEGER NOT NULL, 
	person_id INTEGER, 
	balance BIGINT NOT NULL, 
	into_id INTEGER, 
	CONSTRAINT point_accounts_pkey PRIMARY KEY (id), 
	CONSTRAINT point_accounts_balance_check CHECK (balance >= 0), 
	CONSTRAINT point_accounts_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT point_accounts_into_id_fkey FOREIGN KEY(into_id) REFERENCES point_accounts (id), 
	CONSTRAINT point_accounts_person_id_key UNIQUE (person_id)
);
INSERT INTO "point_accounts" VALUES(1,2,30,NULL);
CREATE TABLE points (
	number INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	action TEXT NOT NULL, 
	delta BIGINT NOT NULL, 
	item TEXT NOT NULL, 
	note TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	by_id INTEGER, 
	corrects INTEGER, 
	at BIGINT NOT NULL, 
	CONSTRAINT points_pkey PRIMARY KEY (number), 
	CONSTRAINT points_action_check CHECK (action IN ('attendance', 'wish', 'call', 'redeemed', 'corrected')), 
	CONSTRAINT points_delta_check CHECK ((action IN ('attendance', 'wish', 'call') AND delta > 0) OR (action = 'redeemed' AND delta < 0) OR (action = 'corrected' AND delta <> 0)), 
	CONSTRAINT points_corrects_check CHECK ((action = 'corrected') = (corrects IS NOT NULL)), 
	CONSTRAINT points_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT points_account_id_fkey FOREIGN KEY(account_id) REFERENCES point_accounts (id), 
	CONSTRAINT points_corrects_fkey FOREIGN KEY(corrects) REFERENCES points (number), 
	CONSTRAINT points_corrects_key UNIQUE (corrects)
);
INSERT INTO "points" VALUES(1,1,'attendance',30,'H1','','519999001001001001',NULL,NULL,1795163400123456);
INSERT INTO "points" VALUES(2,1,'redeemed',-20,'','毛巾','519999001001001001',1,NULL,1795163400123456);
INSERT INTO "points" VALUES(3,1,'corrected',20,'','发错了','519999001001001001',1,2,2110523400123456);
CREATE TABLE polls (
	number INTEGER NOT NULL, 
	grid TEXT NOT NULL, 
	room_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	options TEXT NOT NULL, 
	entitled INTEGER, 
	counted_in TEXT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	closes_at BIGINT NOT NULL, 
	closed_at BIGINT, 
	result TEXT NOT NULL, 
	CONSTRAINT polls_pkey PRIMARY KEY (number), 
	CONSTRAINT polls_counts_check CHECK (number > 0 AND entitled > 0), 
	CONSTRAINT polls_counted_in_check CHECK (counted_in IN ('people', 'households')), 
	CONSTRAINT polls_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT polls_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT polls_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "polls" VALUES(2,'519999001001001001',1,1,'装道闸','["要","不要"]',86,'households',1795163400123456,2110523400123456,NULL,'');
INSERT INTO "polls" VALUES(3,'519999001001001001',1,1,'换大门','["要","不要"]',86,'households',1795163400123456,2110523400123456,2110523400123456,'[0, 1]');
CREATE TABLE processes (
	holder TEXT NOT NULL, 
	host TEXT NOT NULL, 
	place TEXT NOT NULL, 
	pid BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	wants TEXT, 
	seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT processes_pkey PRIMARY KEY (holder)
);
INSERT INTO "processes" VALUES('1f3a','node-1','boot:pid',4711,'0.1.0','["a"]',1795163400123456,1795163430123456);
CREATE TABLE questions (
	person_id INTEGER NOT NULL, 
	step TEXT NOT NULL, 
	item TEXT NOT NULL, 
	room_id INTEGER, 
	data TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT questions_pkey PRIMARY KEY (person_id, step, item), 
	CONSTRAINT questions_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	CONSTRAINT questions_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "questions" VALUES(2,'heads','H1',1,'{"heads": 2}',1795163400123456,2110523400123456);
CREATE TABLE receipts (
	notice INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	CONSTRAINT receipts_pkey PRIMARY KEY (notice, digest), 
	CONSTRAINT receipts_notice_fkey FOREIGN KEY(notice) REFERENCES notices (number) ON DELETE CASCADE
);
INSERT INTO "receipts" VALUES(1,X'7C0152D203D722CE55CC8B5328803A54');
CREATE TABLE reporters (
	ticket INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	room_id INTEGER, 
	joined_at BIGINT NOT NULL, 
	nick TEXT NOT NULL, 
	contact BLOB, from_ticket INTEGER, 
	CONSTRAINT reporters_pkey PRIMARY KEY (ticket, person_id), 
	CONSTRAINT reporters_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT reporters_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT reporters_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "reporters" VALUES(1,2,1,1795163400123456,'3-2-1502 李姐',X'1682CFD31ED33927B67F602FBEE6CBAB82D0450B87F37BEC226688',NULL);
CREATE TABLE room_tags (
	room_id INTEGER NOT NULL, 
	tag TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	CONSTRAINT room_tags_pkey PRIMARY KEY (room_id, tag, origin), 
	CONSTRAINT room_tags_origin_check CHECK (origin IN ('config', 'import')), 
	CONSTRAINT room_tags_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "room_tags" VALUES(1,'独居老人','import');
CREATE TABLE rooms (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	im_id TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	grid TEXT, 
	silent_until BIGINT, 
	noticed_at BIGINT, 
	created_at BIGINT NOT NULL, became INTEGER, origin TEXT, taken_at BIGINT, 
	CONSTRAINT rooms_pkey PRIMARY KEY (id), 
	CONSTRAINT rooms_kind_check CHECK (kind IN ('resident', 'leader')), 
	CONSTRAINT rooms_state_check CHECK (state IN ('dormant', 'enabled', 'gone')), 
	CONSTRAINT rooms_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT rooms_account_im_id_key UNIQUE (account, im_id)
);
INSERT INTO "rooms" VALUES(1,'a','r1','示例小区业主群','resident','enabled','519999001001001001',NULL,1795163400123456,1795163400123456,NULL,NULL,1795163400123456);
INSERT INTO "rooms" VALUES(2,'a','r2','网格长群','leader','enabled','519999001001001',1795163400123456,NULL,1795163400123456,NULL,NULL,NULL);
INSERT INTO "rooms" VALUES(3,'a','r3-new','三号楼业主群','resident','enabled',NULL,NULL,NULL,1795163400123456,NULL,NULL,NULL);
INSERT INTO "rooms" VALUES(4,'a','r3-old','三号楼业主群','resident','gone',NULL,NULL,NULL,1795163400123456,3,NULL,NULL);
CREATE TABLE sequences (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT sequences_pkey PRIMARY KEY (name)
);
INSERT INTO "sequences" VALUES('registry.opt_outs',1);
INSERT INTO "sequences" VALUES('ticket',2);
INSERT INTO "sequences" VALUES('task',1);
INSERT INTO "sequences" VALUES('faq',1);
INSERT INTO "sequences" VALUES('signups',2);
INSERT INTO "sequences" VALUES('wishes',2);
INSERT INTO "sequences" VALUES('deliberation',3);
INSERT INTO "sequences" VALUES('supply',2);
INSERT INTO "sequences" VALUES('notices',2);
CREATE TABLE signup_entries (
	signup INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	person_id INTEGER, 
	by_id INTEGER, 
	name TEXT NOT NULL, 
	building TEXT NOT NULL, 
	source TEXT NOT NULL, 
	room_id INTEGER, 
	position INTEGER NOT NULL, 
	signed_at BIGINT NOT NULL, 
	heads INTEGER NOT NULL, 
	wanted INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	slot INTEGER, 
	attended_at BIGINT, 
	phone BLOB, choice TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT signup_entries_pkey PRIMARY KEY (signup, seq), 
	CONSTRAINT signup_entries_signup_fkey FOREIGN KEY(signup) REFERENCES signups (number) ON DELETE CASCADE, 
	CONSTRAINT signup_entries_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT signup_entries_by_id_fkey FOREIGN KEY(by_id) REFERENCES people (id), 
	CONSTRAINT signup_entries_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT signup_entries_source_check CHECK (source IN ('command', 'chain')), 
	CONSTRAINT signup_entries_state_check CHECK (state IN ('confirmed', 'waiting', 'cancelled')), 
	CONSTRAINT signup_entries_heads_check CHECK (heads > 0 AND wanted > 0)
);
INSERT INTO "signup_entries" VALUES(1,1,2,2,'李姐','3栋','command',1,0,1795163400123456,2,2,'confirmed',NULL,NULL,X'8213269241C903463DC44E295AFFD303AE7C850BA5393E30314B59','');
INSERT INTO "signup_entries" VALUES(1,2,NULL,2,'张三','','command',NULL,0,1795163460123456,2,2,'waiting',NULL,NULL,NULL,'');
INSERT INTO "signup_entries" VALUES(2,1,NULL,NULL,'张三','','chain',NULL,4,1795163400123456,1,1,'confirmed',2,NULL,NULL,'下午场');
CREATE TABLE signup_slots (
	signup INTEGER NOT NULL, 
	slot INTEGER NOT NULL, 
	starts BIGINT NOT NULL, 
	ends BIGINT, 
	capacity INTEGER, 
	CONSTRAINT signup_slots_pkey PRIMARY KEY (signup, slot), 
	CONSTRAINT signup_slots_signup_fkey FOREIGN KEY(signup) REFERENCES signups (number) ON DELETE CASCADE, 
	CONSTRAINT signup_slots_counts_check CHECK (slot > 0 AND capacity > 0)
);
INSERT INTO "signup_slots" VALUES(2,1,2110523400123456,2110523460123456,1);
INSERT INTO "signup_slots" VALUES(2,2,2110523460123456,NULL,5);
CREATE TABLE signup_steps (
	id INTEGER NOT NULL, 
	signup INTEGER NOT NULL, 
	seq INTEGER, 
	at BIGINT NOT NULL, 
	position INTEGER NOT NULL, 
	heads INTEGER, 
	slot INTEGER, 
	account TEXT, 
	message_id TEXT, 
	CONSTRAINT signup_steps_pkey PRIMARY KEY (id), 
	CONSTRAINT signup_steps_signup_fkey FOREIGN KEY(signup) REFERENCES signups (number) ON DELETE CASCADE
);
INSERT INTO "signup_steps" VALUES(1,1,NULL,0,0,3,NULL,NULL,NULL);
INSERT INTO "signup_steps" VALUES(2,2,NULL,0,0,1,1,NULL,NULL);
INSERT INTO "signup_steps" VALUES(3,2,NULL,0,0,5,2,NULL,NULL);
INSERT INTO "signup_steps" VALUES(4,1,1,1795163400123456,0,2,NULL,NULL,NULL);
INSERT INTO "signup_steps" VALUES(5,1,2,1795163460123456,0,2,NULL,NULL,NULL);
INSERT INTO "signup_steps" VALUES(6,2,1,1795163400123456,4,1,2,NULL,NULL);
CREATE TABLE signups (
	number INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	place TEXT NOT NULL, 
	starts BIGINT, 
	ends BIGINT, 
	capacity INTEGER, 
	deadline BIGINT, 
	room_id INTEGER, 
	grid TEXT, 
	organiser_id INTEGER, 
	state TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	heading TEXT NOT NULL, 
	note TEXT NOT NULL, 
	asks_phone BOOLEAN NOT NULL, 
	brings_card BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	closed_at BIGINT, 
	stage INTEGER NOT NULL, 
	next_at BIGINT, 
	forgotten_at BIGINT, organiser_named BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT signups_pkey PRIMARY KEY (number), 
	CONSTRAINT signups_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT signups_organiser_id_fkey FOREIGN KEY(organiser_id) REFERENCES people (id), 
	CONSTRAINT signups_state_check CHECK (state IN ('open', 'closed', 'cancelled')), 
	CONSTRAINT signups_origin_check CHECK (origin IN ('command', 'chain')), 
	CONSTRAINT signups_counts_check CHECK (number > 0 AND capacity > 0 AND stage >= 0), 
	CONSTRAINT signups_grid_check CHECK (length(grid) <= 18)
);
INSERT INTO "signups" VALUES(1,'助老理发','社区活动室',2110523400123456,NULL,3,NULL,1,'519999001001001001',1,'open','command','','',0,0,1795163400123456,NULL,0,2110523400123456,NULL,0);
INSERT INTO "signups" VALUES(2,'疫苗接种','',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'open','command','','',1,0,1795163400123456,NULL,0,NULL,NULL,1);
CREATE TABLE standbys (
	room_id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	im_id TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT standbys_pkey PRIMARY KEY (room_id, account), 
	CONSTRAINT standbys_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT standbys_account_im_id_key UNIQUE (account, im_id)
);
INSERT INTO "standbys" VALUES(1,'b','r1',1795163400123456);
CREATE TABLE supplies (
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	room_id INTEGER, 
	person_id INTEGER, 
	thing TEXT NOT NULL, 
	amount INTEGER, 
	unit TEXT NOT NULL, 
	building TEXT, 
	note TEXT NOT NULL, 
	state TEXT NOT NULL, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	closed_at BIGINT, 
	CONSTRAINT supplies_pkey PRIMARY KEY (number), 
	CONSTRAINT supplies_kind_check CHECK (kind IN ('need', 'offer')), 
	CONSTRAINT supplies_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT supplies_state_check CHECK (state IN ('open', 'done', 'withdrawn', 'over')), 
	CONSTRAINT supplies_closed_check CHECK ((state = 'open') = (closed_at IS NULL)), 
	CONSTRAINT supplies_counts_check CHECK (number > 0 AND amount > 0), 
	CONSTRAINT supplies_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT supplies_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "supplies" VALUES(1,'need','519999001001001001',1,2,'米',2,'袋','3','','open','a','m0',1795163400123456,NULL);
INSERT INTO "supplies" VALUES(2,'offer','519999001001001001',1,3,'米',5,'袋','3','','open','a','m0',1795163400123456,NULL);
CREATE TABLE task_grids (
	task INTEGER NOT NULL, 
	grid TEXT NOT NULL, 
	done_at BIGINT, 
	person_id INTEGER, 
	result TEXT NOT NULL, 
	CONSTRAINT task_grids_pkey PRIMARY KEY (task, grid), 
	CONSTRAINT task_grids_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT task_grids_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT task_grids_task_fkey FOREIGN KEY(task) REFERENCES tasks (number) ON DELETE CASCADE
);
INSERT INTO "task_grids" VALUES(1,'519999001001001001',1795163460123456,5,'都盖好了');
CREATE TABLE tasks (
	number INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	matter TEXT NOT NULL, 
	text TEXT NOT NULL, 
	person_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	due BIGINT, 
	CONSTRAINT tasks_pkey PRIMARY KEY (number), 
	CONSTRAINT tasks_scope_check CHECK (length(scope) <= 18), 
	CONSTRAINT tasks_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "tasks" VALUES(1,'519999001001001','巡查','查井盖',4,1795163400123456,1795422600123456);
CREATE TABLE ticket_messages (
	ticket INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	room_id INTEGER, 
	person_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT ticket_messages_pkey PRIMARY KEY (ticket, account, message_id), 
	CONSTRAINT ticket_messages_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT ticket_messages_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT ticket_messages_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "ticket_messages" VALUES(1,'a','m0',1,2,'text',1795163400123456,'电梯又坏了');
CREATE TABLE ticket_notes (
	id INTEGER NOT NULL, 
	ticket INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	person_id INTEGER, 
	action TEXT NOT NULL, 
	level TEXT, 
	text TEXT NOT NULL, 
	CONSTRAINT ticket_notes_pkey PRIMARY KEY (id), 
	CONSTRAINT ticket_notes_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT ticket_notes_ticket_fkey FOREIGN KEY(ticket) REFERENCES tickets (number) ON DELETE CASCADE
);
INSERT INTO "ticket_notes" VALUES(1,1,1795163400123456,4,'extension_asked','community','配件没到');
CREATE TABLE tickets (
	number INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	category TEXT NOT NULL, 
	urgency TEXT NOT NULL, 
	nature TEXT NOT NULL, 
	level TEXT NOT NULL, 
	grid TEXT, 
	room_id INTEGER, 
	building TEXT, 
	unit TEXT, 
	floor TEXT, 
	room TEXT, 
	place TEXT, 
	located_by TEXT, 
	confidential BOOLEAN NOT NULL, 
	reported_at BIGINT NOT NULL, 
	filed_at BIGINT NOT NULL, 
	version INTEGER NOT NULL, 
	reporters INTEGER NOT NULL, 
	reopened INTEGER NOT NULL, 
	merged_into INTEGER, 
	flagged BOOLEAN NOT NULL, 
	owner_role TEXT, 
	owner_id INTEGER, 
	ack_due BIGINT, 
	due BIGINT, 
	assigned_at BIGINT, 
	accepted_at BIGINT, 
	handled_at BIGINT, 
	closed_at BIGINT, 
	estimate TEXT, 
	result TEXT, 
	outcome TEXT, 
	rating INTEGER, 
	remark TEXT, 
	score FLOAT NOT NULL, 
	rules TEXT NOT NULL, 
	terms TEXT NOT NULL, 
	lexicon TEXT NOT NULL, first_role TEXT, first_id INTEGER, clock_from BIGINT, listed TEXT, proactive BOOLEAN DEFAULT 0 NOT NULL, founded BOOLEAN, out_of_remit BOOLEAN, contacted BOOLEAN, solved BOOLEAN, unsolved_reason TEXT, public_answer TEXT, acknowledged_at BIGINT, erased BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT tickets_pkey PRIMARY KEY (number), 
	CONSTRAINT tickets_merged_check CHECK ((state = 'merged') = (merged_into IS NOT NULL)), 
	CONSTRAINT tickets_level_check CHECK (level IN ('grid', 'community', 'street', 'department')), 
	CONSTRAINT tickets_nature_check CHECK (nature IN ('inquiry', 'help', 'complaint', 'report', 'suggestion', 'praise')), 
	CONSTRAINT tickets_outcome_check CHECK (outcome IN ('solved', 'unsolved', 'unreached')), 
	CONSTRAINT tickets_owner_role_check CHECK (owner_role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')), 
	CONSTRAINT tickets_state_check CHECK (state IN ('candidate', 'filed', 'assigned', 'accepted', 'in_progress', 'handled', 'callback', 'closed', 'refused', 'withdrawn', 'merged')), 
	CONSTRAINT tickets_urgency_check CHECK (urgency IN ('emergency', 'routine', 'enforcement')), 
	CONSTRAINT tickets_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT tickets_counts_check CHECK (number > 0 AND version > 0 AND reporters > 0 AND reopened >= 0), 
	CONSTRAINT tickets_rating_check CHECK (rating BETWEEN 1 AND 5), 
	CONSTRAINT tickets_merged_into_fkey FOREIGN KEY(merged_into) REFERENCES tickets (number), 
	CONSTRAINT tickets_owner_id_fkey FOREIGN KEY(owner_id) REFERENCES people (id), 
	CONSTRAINT tickets_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "tickets" VALUES(1,'assigned','0503','routine','help','grid','519999001001001001',1,'3','2',NULL,NULL,NULL,'text',0,1795163400123456,1795163400123456,3,2,0,NULL,0,'grid_worker',1,1795165200123456,1795249800123456,1795163460123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3.5,'["fault"]','["电梯","坏"]','abc123','property',4,NULL,'project',0,1,NULL,NULL,0,'等配件','周五前修好',NULL,0);
INSERT INTO "tickets" VALUES(2,'candidate','0401','routine','help','grid','519999001001001001',NULL,'3','2',NULL,NULL,NULL,'text',0,1795163400123456,1795163400123456,1,1,0,NULL,0,NULL,NULL,1795165200123456,1795249800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3.5,'["fault"]','["路灯"]','abc123',NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE topic_supporters (
	topic INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT topic_supporters_pkey PRIMARY KEY (topic, person_id), 
	CONSTRAINT topic_supporters_topic_fkey FOREIGN KEY(topic) REFERENCES topics (number) ON DELETE CASCADE, 
	CONSTRAINT topic_supporters_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "topic_supporters" VALUES(1,2,'停车位紧张','a','m0',1795163400123456);
INSERT INTO "topic_supporters" VALUES(1,3,'','a','m0',1795163400123456);
CREATE TABLE topics (
	number INTEGER NOT NULL, 
	grid TEXT, 
	room_id INTEGER, 
	state TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	closed_at BIGINT, 
	supporters INTEGER NOT NULL, 
	CONSTRAINT topics_pkey PRIMARY KEY (number), 
	CONSTRAINT topics_state_check CHECK (state IN ('open', 'discussed', 'dropped')), 
	CONSTRAINT topics_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT topics_closed_check CHECK ((state = 'open') = (closed_at IS NULL)), 
	CONSTRAINT topics_counts_check CHECK (number > 0 AND supporters >= 0), 
	CONSTRAINT topics_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "topics" VALUES(1,'519999001001001001',1,'open',1795163400123456,NULL,0);
CREATE TABLE unfetchable (
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	arrived_at BIGINT NOT NULL, 
	given_up_at BIGINT NOT NULL, 
	CONSTRAINT unfetchable_pkey PRIMARY KEY (account, message_id)
);
INSERT INTO "unfetchable" VALUES('a','m2',1795163520123456,1795163760123456);
CREATE TABLE upstreams (
	name TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	files BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	open_until BIGINT, 
	code TEXT, 
	message TEXT, 
	failed_at BIGINT, 
	succeeded_at BIGINT, 
	CONSTRAINT upstreams_pkey PRIMARY KEY (name)
);
INSERT INTO "upstreams" VALUES('street',3,1,3,2110523400123456,'unauthorized','no such secret',1795163400123456,1795163400123456);
CREATE TABLE votes (
	poll INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	choice INTEGER NOT NULL, 
	at BIGINT NOT NULL, account TEXT, message_id TEXT, 
	CONSTRAINT votes_pkey PRIMARY KEY (poll, person_id), 
	CONSTRAINT votes_choice_check CHECK (choice > 0), 
	CONSTRAINT votes_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT votes_poll_fkey FOREIGN KEY(poll) REFERENCES polls (number) ON DELETE CASCADE
);
INSERT INTO "votes" VALUES(2,2,1,1795163400123456,'a','m3');
CREATE TABLE wish_line (
	wish INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	room_id INTEGER, 
	anonymous BOOLEAN NOT NULL, 
	joined_at BIGINT NOT NULL, account TEXT, message_id TEXT, 
	CONSTRAINT wish_line_pkey PRIMARY KEY (wish, person_id), 
	CONSTRAINT wish_line_wish_fkey FOREIGN KEY(wish) REFERENCES wishes (number) ON DELETE CASCADE, 
	CONSTRAINT wish_line_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE, 
	CONSTRAINT wish_line_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id)
);
INSERT INTO "wish_line" VALUES(1,3,1,NULL,0,2110523400123456,'a','m2');
CREATE TABLE wishes (
	number INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	text TEXT NOT NULL, 
	public TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	scope TEXT, 
	room_id INTEGER, 
	person_id INTEGER, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	filed_at BIGINT NOT NULL, 
	reviewer_id INTEGER, 
	reviewed_at BIGINT, 
	review_id TEXT, 
	reason TEXT NOT NULL, 
	claimed_by INTEGER, 
	claimed_at BIGINT, 
	claim_room_id INTEGER, 
	anonymous BOOLEAN NOT NULL, 
	release_at BIGINT, 
	rounds INTEGER NOT NULL, 
	done_at BIGINT, 
	photo_id TEXT, claim_account TEXT, claim_id TEXT, 
	CONSTRAINT wishes_pkey PRIMARY KEY (number), 
	CONSTRAINT wishes_room_id_fkey FOREIGN KEY(room_id) REFERENCES rooms (id), 
	CONSTRAINT wishes_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id), 
	CONSTRAINT wishes_reviewer_id_fkey FOREIGN KEY(reviewer_id) REFERENCES people (id), 
	CONSTRAINT wishes_claimed_by_fkey FOREIGN KEY(claimed_by) REFERENCES people (id), 
	CONSTRAINT wishes_claim_room_id_fkey FOREIGN KEY(claim_room_id) REFERENCES rooms (id), 
	CONSTRAINT wishes_state_check CHECK (state IN ('pending', 'published', 'claimed', 'done', 'rejected', 'withdrawn')), 
	CONSTRAINT wishes_claim_check CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND release_at IS NOT NULL)), 
	CONSTRAINT wishes_free_check CHECK (state <> 'published' OR claimed_by IS NULL), 
	CONSTRAINT wishes_grid_check CHECK (length(grid) <= 18)
);
INSERT INTO "wishes" VALUES(1,'claimed','换个灯泡','换灯泡','519999001001001001','519999001001001',1,2,'a','m0',1795163400123456,1,1795163400123456,'m1','',1,1795163400123456,1,1,2110523400123456,0,NULL,NULL,'a','m1');
INSERT INTO "wishes" VALUES(2,'pending','要一台轮椅','','519999001001001001',NULL,1,2,'a','m0',1795163400123456,NULL,NULL,NULL,'',NULL,NULL,NULL,0,NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE work_entries (
	id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	grid TEXT NOT NULL, 
	households INTEGER, 
	text TEXT NOT NULL, 
	account TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	photo_id TEXT, 
	at BIGINT NOT NULL, 
	CONSTRAINT work_entries_pkey PRIMARY KEY (id), 
	CONSTRAINT work_entries_kind_check CHECK (kind IN ('visit', 'patrol')), 
	CONSTRAINT work_entries_households_check CHECK (households > 0), 
	CONSTRAINT work_entries_grid_check CHECK (length(grid) <= 18), 
	CONSTRAINT work_entries_person_id_fkey FOREIGN KEY(person_id) REFERENCES people (id)
);
INSERT INTO "work_entries" VALUES(1,1,'visit','519999001001001001',3,'无异常','a','m0','m5',1795163400123456);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_ticket ON audit (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX bind_failures_who ON bind_failures (account, im_id, at);
CREATE INDEX people_opted_out ON people (id) WHERE opted_out_at IS NOT NULL;
CREATE INDEX rooms_grid ON rooms (grid);
CREATE INDEX aliases_person ON aliases (person_id);
CREATE INDEX outbox_counted ON outbox (room_id, not_before) WHERE counted;
CREATE INDEX outbox_left ON outbox (account, sending_at) WHERE sending_at IS NOT NULL;
CREATE INDEX outbox_ticket ON outbox (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX outbox_unsettled ON outbox (account, conversation) WHERE state IN ('sending', 'unknown');
CREATE INDEX outbox_worded ON outbox (created_at) WHERE text <> '';
CREATE INDEX tickets_grid ON tickets (grid, reported_at);
CREATE INDEX tickets_state ON tickets (state, filed_at);
CREATE INDEX dialogs_expiry ON dialogs (expires_at);
CREATE INDEX dialogs_ticket ON dialogs (ticket);
CREATE INDEX reporters_person ON reporters (person_id);
CREATE INDEX ticket_messages_message ON ticket_messages (account, message_id);
CREATE INDEX ticket_messages_person ON ticket_messages (person_id, sent_at);
CREATE INDEX ticket_messages_room ON ticket_messages (room_id, sent_at);
CREATE INDEX grid_moves_new ON grid_moves (new);
CREATE INDEX rooms_topic ON rooms (topic);
CREATE UNIQUE INDEX rooms_answering ON rooms (im_id) WHERE state = 'enabled';
CREATE UNIQUE INDEX people_ref ON people (ref);
CREATE INDEX grants_scope ON grants (scope);
CREATE INDEX duty_scope ON duty (scope, end_at);
CREATE INDEX ticket_notes_ticket ON ticket_notes (ticket, id);
CREATE INDEX merges_target ON merges (target);
CREATE INDEX task_grids_grid ON task_grids (grid);
CREATE INDEX faq_scope ON faq (scope) WHERE removed_at IS NULL;
CREATE INDEX list_items_grid ON list_items (grid);
CREATE INDEX tickets_handled ON tickets (state, handled_at) WHERE handled_at IS NOT NULL;
CREATE INDEX clocks_next ON clocks (next_at) WHERE next_at IS NOT NULL;
CREATE UNIQUE INDEX modes_in_force ON modes (scope) WHERE ended_at IS NULL;
CREATE INDEX deliveries_waiting ON deliveries (upstream, next_at, ticket) WHERE state IN ('pending', 'sending');
CREATE INDEX answers_held ON answers (ticket) WHERE held IS NOT NULL;
CREATE INDEX answer_replies_at ON answer_replies (at);
CREATE INDEX questions_item ON questions (item);
CREATE INDEX questions_expiry ON questions (expires_at);
CREATE INDEX topics_open ON topics (grid) WHERE state = 'open';
CREATE INDEX topic_supporters_message ON topic_supporters (account, message_id);
CREATE INDEX topic_supporters_person ON topic_supporters (person_id);
CREATE INDEX polls_open ON polls (closes_at) WHERE closed_at IS NULL;
CREATE INDEX votes_person ON votes (person_id);
CREATE INDEX supplies_message ON supplies (account, message_id);
CREATE INDEX supplies_open ON supplies (grid, thing) WHERE state = 'open';
CREATE INDEX supplies_person ON supplies (person_id);
CREATE INDEX handovers_need ON handovers (need);
CREATE INDEX handovers_offer ON handovers (offer);
CREATE INDEX checkins_grid ON checkins (grid);
CREATE INDEX signups_room ON signups (room_id, state);
CREATE INDEX signups_organiser ON signups (organiser_id);
CREATE INDEX signups_next ON signups (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX signups_known ON signups (created_at) WHERE forgotten_at IS NULL;
CREATE UNIQUE INDEX signup_entries_person ON signup_entries (signup, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX signup_entries_of ON signup_entries (person_id);
CREATE INDEX signup_entries_by ON signup_entries (by_id);
CREATE INDEX signup_steps_signup ON signup_steps (signup);
CREATE INDEX signup_steps_message ON signup_steps (account, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX chain_lines_author ON chain_lines (author_id);
CREATE INDEX chain_copies_signup ON chain_copies (signup, sent_at);
CREATE INDEX chain_copies_room ON chain_copies (room_id);
CREATE INDEX chain_copies_person ON chain_copies (person_id);
CREATE INDEX wishes_state ON wishes (state, release_at);
CREATE INDEX wishes_person ON wishes (person_id);
CREATE INDEX wishes_giver ON wishes (claimed_by);
CREATE INDEX wishes_message ON wishes (account, message_id);
CREATE INDEX wish_line_person ON wish_line (person_id);
CREATE INDEX deeds_person ON deeds (person_id);
CREATE INDEX notices_open ON notices (state) WHERE state IN ('draft', 'scheduled', 'sending');
CREATE INDEX notices_salted ON notices (number) WHERE salt IS NOT NULL;
CREATE INDEX alerts_device ON alerts (source, device, kind, at);
CREATE INDEX alerts_ticket ON alerts (ticket);
CREATE INDEX work_entries_person ON work_entries (person_id, at);
CREATE INDEX work_entries_message ON work_entries (account, message_id);
CREATE INDEX work_entries_at ON work_entries (at);
CREATE INDEX points_account ON points (account_id);
CREATE INDEX leases_holder ON leases (holder);
CREATE INDEX accounts_dead ON accounts (name) WHERE dead_at IS NOT NULL;
CREATE INDEX outbox_queued ON outbox (account, lane, not_before, id) WHERE state = 'queued';
CREATE INDEX outbox_failed ON outbox (account, lane) WHERE state = 'failed';
CREATE INDEX rooms_im_id ON rooms (im_id);
CREATE INDEX room_tags_tag ON room_tags (tag);
CREATE INDEX notice_rooms_waiting ON notice_rooms (notice, room_id) WHERE NOT queued AND skipped IS NULL;
CREATE INDEX notice_files_shown ON notice_files (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX wishes_worded ON wishes (state, done_at) WHERE text <> '';
CREATE INDEX deliveries_since ON deliveries (upstream, since, state) WHERE state IN ('pending', 'sending');
CREATE INDEX deliveries_parked ON deliveries (upstream, ticket, state) WHERE state = 'parked';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('changes',3);
COMMIT;
