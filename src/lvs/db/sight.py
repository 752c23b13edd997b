"""The condition that keeps out of lists what the person who watches may not see."""

import json

from lvs.viewer import viewer


def visible_condition(column: str) -> tuple[str, dict[str, str]]:
    """` AND …` for a column of video ids, with its values; nothing for those who see everything."""
    who = viewer()
    if who.limits is None:
        return "", {}
    condition = f" AND {column} IN (SELECT value FROM json_each(:allowed))"
    return condition, {"allowed": json.dumps(list(who.allowed))}
