"""Filters between decoder and encoder: deinterlacing, size, brightness range, turning; into 8 bit
4:2:0 of BT.709.

Imported by the player worker only.
"""

from collections.abc import Iterator
from fractions import Fraction

from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

from lvs.services.media.frames import orientation

TICK = Fraction(1, 90_000)
# ITU-T H.273, table 4, as FFmpeg's filters name it. Anything else is taken for what the size
# suggests.
MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020nc",
    10: "bt2020c",
}
TURNS = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}
FULL_RANGE = 2
HD_LINES = 720
BLACK_10, WHITE_10, CENTRE_10 = 64, 940, 512
# A PQ signal (SMPTE ST 2084) as light with 203 cd/m² for 1, bent so that 1,000 cd/m² is the end, as
# a signal of BT.709. As on the posters (`video_file`); chroma is stretched by about as much as the
# curve is steep in the middle.
TONES = "st(3,min(ld(2),4.93));st(3,min(1,ld(3)*(1+ld(3)/24.27)/(1+ld(3))));64+876*pow(ld(3),1/2.2)"
PQ_CURVE = (
    "st(0,clip((val-64)/876,0,1));"
    "st(1,pow(ld(0),32/2523));"
    "st(2,10000*pow(max(ld(1)-3424/4096,0)/(2413/128-2392/128*ld(1)),16384/2610)/203);"
) + TONES
# HLG (ITU-R BT.2100, table 5) on a screen of 1,000 cd/m².
HLG_CURVE = (
    "st(0,clip((val-64)/876,0,1));"
    "st(1,if(lte(ld(0),0.5),ld(0)*ld(0)/3,(exp((ld(0)-0.55991073)/0.17883277)+0.28466892)/12));"
    "st(2,1000*pow(ld(1),1.2)/203);"
) + TONES
CHROMA_GAIN = {"pq": 3.0, "hlg": 1.8}
CURVES = {"pq": PQ_CURVE, "hlg": HLG_CURVE}


class PictureFilter:
    """Brings frames into one size and format.

    Built anew where frames change their size or format in mid-film.
    """

    def __init__(self, width: int, height: int, transfer: str = "") -> None:
        self._size = width, height
        self._transfer = transfer
        self._shape: tuple[int, int, str] | None = None
        self._graph: Graph | None = None

    def filtered(self, frames: Iterator[tuple[float, VideoFrame]]) -> Iterator[VideoFrame]:
        """The frames as they are to be encoded, with their moments on a clock of 90,000 ticks a
        second.
        """
        for moment, frame in frames:
            shape = frame.width, frame.height, frame.format.name
            if shape != self._shape:
                yield from self._rest()
                self._shape, self._graph = shape, self._built(frame)
            if self._graph is None:
                continue
            frame.pts, frame.time_base = round(moment * 90_000), TICK
            self._graph.push(frame)
            yield from self._ready(self._graph)
        yield from self._rest()

    def _rest(self) -> Iterator[VideoFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready(self._graph)
            self._graph = None

    @staticmethod
    def _ready(graph: Graph) -> Iterator[VideoFrame]:
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, EOFError, FFmpegError):
                return
            if isinstance(frame, VideoFrame):
                frame.pict_type = 0  # the encoder decides
                yield frame

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=TICK
            )
        ]
        for text in self._steps(frame):
            name, _, arguments = text.partition("=")
            nodes.append(graph.add(name, arguments))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes)
        graph.configure()
        return graph

    def _steps(self, frame: VideoFrame) -> list[str]:
        turned, mirrored = orientation(frame)
        width, height = self._size
        if turned in (90, 270):
            width, height = height, width
        steps = [_scaler_colours(frame)]
        if frame.interlaced_frame:
            steps.append("bwdif=mode=send_frame:deint=interlaced")
        steps.append(
            f"scale=w={width}:h={height}:flags=bilinear:out_color_matrix=bt709:out_range=tv"
        )
        if self._transfer in CURVES:
            steps += _into_standard_range(self._transfer)
        if mirrored:
            steps.append("hflip=")
        if turned in TURNS:
            steps += [step if "=" in step else f"{step}=" for step in TURNS[turned].split(",")]
        return [
            *steps,
            "format=pix_fmts=yuv420p",
            "setsar=sar=1",
            "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709",
        ]


def _scaler_colours(frame: VideoFrame) -> str:
    """`setparams` with colours that the scaler takes: it refuses a frame whose tags contradict each
    other.
    """
    if frame.format.is_rgb:
        return "setparams=range=pc:colorspace=gbr"
    matrix = MATRICES.get(
        int(frame.colorspace), "bt709" if frame.height >= HD_LINES else "smpte170m"
    )
    is_full = int(frame.color_range) == FULL_RANGE or frame.format.name.startswith("yuvj")
    said = "color_primaries=bt709:color_trc=bt709"
    return f"setparams=range={'pc' if is_full else 'tv'}:colorspace={matrix}:{said}"


def _into_standard_range(transfer: str) -> list[str]:
    gain = CHROMA_GAIN[transfer]
    chroma = f"clip({CENTRE_10}+(val-{CENTRE_10})*{gain},64,960)"
    return [
        "format=pix_fmts=yuv420p10le",
        f"lutyuv=y={CURVES[transfer]}:u={chroma}:v={chroma}",
        "format=pix_fmts=yuv420p10le",
    ]
