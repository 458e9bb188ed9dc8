"""From the classifier's vocabulary to the store's: the one place where the two meet."""

from __future__ import annotations

from nlp import decision as nlp
from storage.model import Nature, Place, Urgency

URGENCY = {
    nlp.Urgency.EMERGENCY: Urgency.EMERGENCY,
    nlp.Urgency.ROUTINE: Urgency.ROUTINE,
    nlp.Urgency.ENFORCEMENT: Urgency.ENFORCEMENT,
}
NATURE = {
    nlp.Nature.INQUIRY: Nature.INQUIRY,
    nlp.Nature.HELP: Nature.HELP,
    nlp.Nature.COMPLAINT: Nature.COMPLAINT,
    nlp.Nature.REPORT: Nature.REPORT,
    nlp.Nature.SUGGESTION: Nature.SUGGESTION,
    nlp.Nature.PRAISE: Nature.PRAISE,
}


def place(location: nlp.Location) -> Place:
    """The same place in the store's words; `located_by` stays with it."""
    return Place(
        building=location.building,
        unit=location.unit,
        floor=location.floor,
        room=location.room,
        place=location.place,
        located_by=location.located_by if location else None,
    )


def location(place: Place) -> nlp.Location:
    """The way back, to compare a ticket's place with what is said."""
    return nlp.Location(place.building, place.unit, place.floor, place.room, place.place, place.located_by)
