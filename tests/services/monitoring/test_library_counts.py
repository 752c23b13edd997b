"""The library in numbers, as the dashboard tells them."""

from support.home import Home


async def test_whoever_sees_that_a_scan_ended_sees_what_it_found(home: Home) -> None:
    counter = home.services.overviews
    for count in (1, 2, 3):
        home.add(f"{count}.mp4")
        await home.scan()
        assert (await counter.now()).files == count
        assert (await counter.now()).videos == count


async def test_changes_between_scans_are_counted_no_oftener_than_is_worth_it(home: Home) -> None:
    counter = home.services.overviews
    home.add("film.mp4")
    await home.scan()
    counted = await counter.now()
    video = await home.video("film.mp4")
    await home.client.post(f"/api/ratings/{video.media_hash}", json={"value": 4})
    assert await counter.now() is counted
