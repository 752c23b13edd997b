"""Reordering of an H.264 film's pictures, as its parameter set says it.

Kept light: somebody waits for a player worker to start.
"""

CONFIGURATION_VERSION = 1
WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose parameter set tells of chroma and scaling (ITU-T H.264, section 7.3.2.1.1)."""
EXTENDED_ASPECT, MONOCHROME_TO_422_LISTS, LISTS_444, SMALL_LISTS = 255, 8, 12, 6
MAX_REORDERED = 16


def declared_reordering(configuration: bytes) -> int | None:
    """The most pictures that come before one in decoding order and after it on the screen.

    `configuration` is an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 5.3.3.1). None
    where it does not say so, or holds not one parameter set alone.
    """
    if configuration[:1] != bytes([CONFIGURATION_VERSION]) or len(configuration) < 8:
        return None
    size_bytes = int.from_bytes(configuration[6:8], "big")
    unit = configuration[8 : 8 + size_bytes]
    if configuration[5] & 0x1F != 1 or len(unit) != size_bytes:
        return None
    try:
        found = _reordering(_Bits(unit[1:].replace(b"\0\0\3", b"\0\0")))
    except (IndexError, ValueError):
        return None
    return found if found is None or found <= MAX_REORDERED else None


class _Bits:
    """Bits of a parameter set, read one after the other. Raises ValueError behind their end."""

    def __init__(self, content: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in content)
        self._place = 0

    def number(self, bits: int) -> int:
        """A number of so many bits."""
        end = self._place + bits
        if end > len(self._bits):
            raise ValueError("the parameter set is cut off")
        found = int(self._bits[self._place : end], 2)
        self._place = end
        return found

    def flag(self) -> bool:
        """One bit."""
        return self.number(1) == 1

    def code(self) -> int:
        """A number by the code of Golomb (ITU-T H.264, section 9.1)."""
        zeros = self._bits.index("1", self._place) - self._place
        self._place += zeros
        return self.number(zeros + 1) - 1

    def signed_code(self) -> int:
        """The same for numbers of both signs."""
        code = self.code()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def _reordering(bits: _Bits) -> int | None:
    """The parameter set up to its end (ITU-T H.264, sections 7.3.2.1.1 and E.1.1)."""
    profile = bits.number(8)
    bits.number(16)  # constraints and level
    bits.code()
    if profile in WITH_CHROMA:
        _pass_chroma(bits)
    bits.code()
    _pass_order_count(bits)
    bits.code()
    bits.flag()
    bits.code(), bits.code()  # width and height
    if not bits.flag():
        bits.flag()
    bits.flag()
    if bits.flag():
        for _ in range(4):  # what is cut off on each side
            bits.code()
    return _usability_reordering(bits) if bits.flag() else None


def _pass_chroma(bits: _Bits) -> None:
    is_444 = bits.code() == 3
    if is_444:
        bits.flag()
    bits.code(), bits.code()  # depths
    bits.flag()
    if bits.flag():
        for number in range(LISTS_444 if is_444 else MONOCHROME_TO_422_LISTS):
            if bits.flag():
                _pass_scaling_list(bits, 16 if number < SMALL_LISTS else 64)


def _pass_scaling_list(bits: _Bits, length: int) -> None:
    last = 8
    for _ in range(length):
        last = (last + bits.signed_code()) % 256
        if not last:
            return


def _pass_order_count(bits: _Bits) -> None:
    kind = bits.code()
    if kind == 0:
        bits.code()
    elif kind == 1:
        bits.flag()
        bits.code(), bits.code()
        for _ in range(bits.code()):
            bits.code()


def _usability_reordering(bits: _Bits) -> int | None:
    if bits.flag() and bits.number(8) == EXTENDED_ASPECT:
        bits.number(32)
    if bits.flag():
        bits.flag()  # overscan
    if bits.flag():
        bits.number(4)
        if bits.flag():
            bits.number(24)  # colours
    if bits.flag():
        bits.code(), bits.code()  # where chroma lies
    if bits.flag():
        bits.number(65)  # rate
    has_buffers = False
    for _ in range(2):
        if bits.flag():
            _pass_buffers(bits)
            has_buffers = True
    if has_buffers:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.code()
    return bits.code()


def _pass_buffers(bits: _Bits) -> None:
    """Parameters of a reference decoder (ITU-T H.264, section E.1.2)."""
    count = bits.code() + 1
    bits.number(8)
    for _ in range(count):
        bits.code(), bits.code()
        bits.flag()
    bits.number(20)
