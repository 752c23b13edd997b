"""Storage: the size of folders and files."""

from urllib.parse import quote_from_bytes

from quart import Response

from lvs.errors import NotFound
from lvs.models import display_path
from lvs.web.request_args import MAX_ID, arguments, number, text
from lvs.web.responses import page, services

STORAGE = "/admin/storage"


async def storage() -> Response:
    """Sizes of folders; `root` and `folder` select one."""
    args = arguments()
    root_id, folder = (
        number(args, "root", MAX_ID),
        text(args, "folder").encode("utf-8", "surrogateescape").strip(b"/"),
    )
    roots = {root.id: root for root in services().library.active_roots}
    if not root_id and len(roots) == 1:
        root_id = next(iter(roots))
    if root_id and root_id not in roots:
        raise NotFound("There is no such library folder.")
    overview = await services().overviews.now()
    if root_id:
        inside = await services().folder_sizes.within(root_id, folder)
        if folder and not inside:
            raise NotFound("There is no such folder, or it contains no videos.")
        entries = [
            (
                _inside(root_id, folder, each.name),
                display_path(each.name or b""),
                each.files,
                each.size_bytes,
            )
            for each in inside
        ]
    else:
        counts = {each.root_id: each for each in overview.folders}
        entries = [
            (
                f"{STORAGE}?root={root.id}",
                root.name,
                counts[root.id].files,
                counts[root.id].size_bytes,
            )
            for root in roots.values()
            if root.id in counts
        ]
    return page(
        "admin_storage.html",
        entries=entries,
        trail=_trail(roots[root_id].name if root_id and len(roots) > 1 else "", root_id, folder),
        largest=await services().folder_sizes.largest(),
        storage=await services().storages.now(),
        overview=overview,
        current="admin",
    )


def _inside(root_id: int, folder: bytes, name: bytes | None) -> str | None:
    if name is None:
        return None
    return _address(root_id, folder + b"/" + name if folder else name)


def _address(root_id: int, folder: bytes) -> str:
    return f"{STORAGE}?root={root_id}&folder={quote_from_bytes(folder, safe='/')}"


def _trail(name: str, root_id: int, folder: bytes) -> list[tuple[str, str]]:
    """The folders that lead to this one, with their addresses."""
    trail = [("All folders", STORAGE)]
    if name:
        trail.append((name, f"{STORAGE}?root={root_id}"))
    parts = folder.split(b"/") if folder else []
    for depth, part in enumerate(parts, 1):
        trail.append(
            (
                display_path(part),
                _address(root_id, b"/".join(parts[:depth])),
            )
        )
    return trail
