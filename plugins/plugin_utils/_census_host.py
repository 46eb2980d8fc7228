# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The census of sockets by sock_diag: sent as text, and run by whatever Python from 2.7 on a host has.

Its answer is that of _census.sh. It takes: how many groups to name, the first and the last ephemeral port, and the
ports that are reserved, as the kernel prints them.
"""

# No import that is not needed: at ten thousand sockets the start of the interpreter is most of what it costs. None of
# __future__ either: it would be looked for before anything else.
import _socket as socket
import struct
import sys
from itertools import compress

try:
    from _collections import _count_elements as count  # type: ignore[import-not-found]
except ImportError:

    def count(tally, keys):
        # type: (Dict[int, int] | Dict[bytes, int], Iterable[Any]) -> None
        get = tally.get
        for key in keys:
            tally[key] = get(key, 0) + 1


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

LITTLE = sys.byteorder == "little"

# include/uapi/linux/netlink.h, sock_diag.h, inet_diag.h, tcp.h; include/net/tcp_states.h
NETLINK_SOCK_DIAG = 4
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST_DUMP, NLM_F_DUMP_INTR = 0x301, 0x10
# The request of old is answered by every kernel, and for IPv4 and IPv6 in one walk over all sockets.
TCPDIAG_GETSOCK = 18
REQ_BYTECODE, INFO, BC_JMP, BC_D_COND = 1, 2, 1, 8
AF_INET, AF_INET6 = 2, 10
ESTABLISHED, FIN_WAIT_2, TIME_WAIT, LISTEN = 1, 5, 6, 10
# What else keeps a local port from new connections: SYN_SENT, FIN_WAIT_1, CLOSE_WAIT, LAST_ACK and CLOSING as well.
OPEN = [ESTABLISHED, 2, 4, FIN_WAIT_2, 8, 9, 11]
TIMER_OF_TIME_WAIT = b"\3"
OPTION_TIMESTAMPS, TCP_TIMESTAMP = 1, 24

# A message: 16 bytes of header, then struct inet_diag_msg: family, state, timer at 16, 17 and 18; ports at 20 and 22,
# addresses at 24 and 40, attributes from 88 on.
HEADER, FIXED = 16, 88
# What a group is counted by: destination port, source and destination, as they lie in a message from 22 on. Behind
# addresses of four bytes old kernels leave what was there before.
KEYS = {AF_INET: 22, AF_INET6: 34}
# For translate(): 1 for that byte, and 0 for all others.
MARKS = {
    value: bytes(bytearray(int(one == value) for one in range(256))) for value in (0, AF_INET, AF_INET6, TIME_WAIT)
}
MAPPED = b"\0" * 10 + b"\xff" * 2

# No more groups than this are kept in memory.
MOST_GROUPS = 32768
# No more established connections than this are looked at.
SAMPLE = 4096
# More than the kernel ever puts into one answer.
BUFFER = 1 << 16


class Interrupted(Exception):
    """The kernel says that it could not tell everything."""


def blocks_of(states, extension=0, attribute=b""):
    # type: (List[int], int, bytes) -> Iterator[Tuple[bytes, int]]
    """The kernel's answers on sockets in these states, rows of messages. Raises Interrupted, EnvironmentError."""
    wanted = sum(1 << state for state in states)
    request = struct.pack("=BBBB48xII", 0, 0, 0, extension, wanted, 0) + attribute
    netlink = socket.socket(16, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
    try:
        netlink.settimeout(10)
        netlink.send(struct.pack("=IHHII", HEADER + len(request), TCPDIAG_GETSOCK, NLM_F_REQUEST_DUMP, 1, 0) + request)
        while True:
            block = netlink.recv(BUFFER)
            if len(block) == BUFFER:
                raise Interrupted
            length, kind, flags = struct.unpack_from("=IHH", block)
            if kind == NLMSG_ERROR:
                raise EnvironmentError("refused")
            if flags & NLM_F_DUMP_INTR:
                raise Interrupted
            if kind == NLMSG_DONE:
                return
            yield block, length
    finally:
        netlink.close()


def messages_in(block):
    # type: (bytes) -> Iterator[bytes]
    at = 0
    while at + HEADER <= len(block):
        length, kind, flags = struct.unpack_from("=IHH", block, at)
        if kind == NLMSG_ERROR or length < HEADER:
            raise EnvironmentError("refused")
        if flags & NLM_F_DUMP_INTR:
            raise Interrupted
        if kind != NLMSG_DONE:
            yield block[at : at + (length + 3 & ~3)]
        at += length + 3 & ~3


_formats = {}  # type: Dict[Tuple[int, int, int, str], struct.Struct]


def columns(block, stride, skip, field, size):
    # type: (bytes, int, int, str, int) -> Tuple[Any, ...]
    """One field of every message of a block, in one step: a loop would take longer than the kernel does."""
    number = len(block) // stride
    key = (number, stride, skip, field)
    if key not in _formats:
        # Each is as long as a block: blocks of many lengths would fill the memory.
        if len(_formats) > 64:
            _formats.clear()
        _formats[key] = struct.Struct("=" + "%dx%s%dx" % (skip, field, stride - skip - size) * number)
    return _formats[key].unpack(block)


def is_uniform(block, stride, timer):
    # type: (bytes, int, bytes) -> bool
    """Whether all are of this length, of which the first that is not stands where it is looked for; with that timer."""
    if stride < FIXED or stride % 4 or len(block) % stride:
        return False
    all_have = ((0, block[:1]), (1, block[1:2]), (18, timer))
    return all(block[at::stride] == byte * (len(block) // stride) for at, byte in all_have if byte)


class Tally(object):
    """Of sockets in TIME_WAIT, which have a timer of their own; or, with no timer, of those that are open.

    ``ephemeral`` has a 1 for each port that no one but the kernel gives to a connection, ports as they are sent.
    """

    def __init__(self, ephemeral, timer=TIMER_OF_TIME_WAIT):
        # type: (bytearray, bytes) -> None
        self.timer = timer
        self.is_ephemeral = ephemeral.__getitem__
        self.is_other = ephemeral.translate(MARKS[0]).__getitem__
        # By the first byte of a port: whether none, some (2) or all of those 256 are ephemeral.
        pages = [ephemeral[page::256] if LITTLE else ephemeral[page << 8 : (page + 1) << 8] for page in range(256)]
        sums = [page.count(b"\1") for page in pages]
        self.pages = bytes(bytearray({0: 0, 256: 1}.get(page, 2) for page in sums))
        self.groups = {AF_INET: {}, AF_INET6: {}}  # type: Dict[int, Dict[bytes, int]]
        self.ports = {}  # type: Dict[int, int]
        self.fin_wait_2 = self.outbound = self.lost = 0

    def add(self, block, stride):
        # type: (bytes, int) -> None
        if not is_uniform(block, stride, self.timer):
            # Among them are sockets in FIN_WAIT_2 that a program still holds: they have another timer.
            mine = [one for one in messages_in(block) if len(one) >= FIXED and one[18:19].startswith(self.timer)]
            for length in {one[:4] for one in mine}:
                alike = [one for one in mine if one[:4] == length]
                self.add(b"".join(alike), len(alike[0]))
            return
        states, families, pages = [block[at::stride] for at in (17, 16, 20)]
        if not self.timer:
            states = b"\6" * len(states)
        pages = pages.translate(self.pages)
        number, waiting, old = len(states), states.count(b"\6"), families.count(b"\2")
        self.fin_wait_2 += number - waiting
        if pages.count(b"\0") == waiting == number:
            count(self.ports, columns(block, stride, 20, "H", 2))
            return
        # Where there are addresses of both kinds, the same bytes of all messages; they are told apart afterwards.
        width = KEYS[AF_INET if old == number else AF_INET6]
        keys = columns(block, stride, 22, "%ds" % width, width)
        if pages.count(b"\1") != number or waiting != number:
            flags = self.outbound_among(columns(block, stride, 20, "H", 2), states)
            keys, families = tuple(compress(keys, flags)), bytes(bytearray(compress(bytearray(families), flags)))
        self.outbound += len(keys)
        if old in (0, number):
            self.count_in(AF_INET if old else AF_INET6, keys)
            return
        for family in self.groups:
            self.count_in(family, compress(keys, bytearray(families.translate(MARKS[family]))))

    def count_in(self, family, keys):
        # type: (int, Iterable[bytes]) -> None
        groups = self.groups[family]
        count(groups, keys)
        if len(groups) > MOST_GROUPS:
            self.prune(groups)

    def outbound_among(self, ports, states):
        # type: (Tuple[int, ...], bytes) -> List[int]
        """A flag for each socket: 1 where it is outbound, and in TIME_WAIT. Those that are not are counted by port."""
        if states.count(b"\6") < len(states):
            waiting = bytearray(states.translate(MARKS[TIME_WAIT]))
            others = tuple(compress(ports, waiting))
            count(self.ports, compress(others, map(self.is_other, others)))
            return [one & other for one, other in zip(map(self.is_ephemeral, ports), waiting)]
        count(self.ports, compress(ports, map(self.is_other, ports)))
        return list(map(self.is_ephemeral, ports))

    def prune(self, groups):
        # type: (Dict[bytes, int]) -> None
        """Forgets the smallest groups; of those that are left no more than ``lost`` sockets are not counted."""
        least = 1
        while len(groups) > MOST_GROUPS // 2:
            for key in [key for key, number in groups.items() if number <= least]:
                del groups[key]
            least *= 2
        self.lost += least // 2

    def merged(self):
        # type: () -> Dict[bytes, int]
        """How many sockets there are by port of the destination, source and destination, of four or 16 bytes each."""
        found = {}  # type: Dict[bytes, int]
        for family, groups in self.groups.items():
            for key, number in groups.items():
                name = key[:6] + key[18:22] if family == AF_INET else key
                if key[2:14] == MAPPED == key[18:30]:
                    name = key[:2] + key[14:18] + key[30:34]
                found[name] = found.get(name, 0) + number
        return found


def name_of(key):
    # type: (bytes) -> Tuple[str, str, int]
    middle = 1 + len(key) // 2
    return address(key[2:middle]), address(key[middle:]), struct.unpack(">H", key[:2])[0]


def address(packed):
    # type: (bytes) -> str
    if packed[:12] == MAPPED:
        packed = packed[12:]
    return socket.inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def listening_ports():
    # type: () -> List[int]
    """The port of each listener."""
    messages = (message for block, _length in blocks_of([LISTEN]) for message in messages_in(block))
    return [struct.unpack_from(">H", message, 20)[0] for message in messages]


def port_ranges(text):
    # type: (str) -> Set[int]
    """The numbers in a text such as 8080,9000-9010."""
    found = set()  # type: Set[int]
    for word in text.split(","):
        first, _dash, last = word.partition("-")
        if first:
            found.update(range(int(first), int(last or first) + 1))
    return found


def ephemeral_ports(low, high, others):
    # type: (int, int, Set[int]) -> bytearray
    """For each port, as a message has it: 1 if only the kernel gives it to a connection."""
    table = bytearray(65536)
    table[low : high + 1] = b"\1" * (high + 1 - low)
    for port in others:
        table[port] = 0
    # In the order of as_sent(), a page at a time: a step for each port would take as long as the start of Python.
    return bytearray(b"").join(table[page::256] for page in range(256)) if LITTLE else table


def as_sent(port):
    # type: (int) -> int
    """The number that the two bytes of a port are taken for here, and back."""
    return (port & 255) << 8 | port >> 8 if LITTLE else port


def host_filter(destinations):
    # type: (List[Tuple[str, int]]) -> bytes
    """Bytecode for the kernel that lets sockets pass with one of these (address, port): conditions, and jumps out."""
    conditions = []
    for text, port in destinations:
        family = AF_INET6 if ":" in text else AF_INET
        packed = socket.inet_pton(family, text)
        condition = struct.pack("=BBxxi", family, len(packed) * 8, port) + packed
        conditions.append((len(condition) + 4, condition))
    code, left = b"", 0
    for size, condition in reversed(conditions):
        # The end means yes, four bytes behind it no.
        otherwise = size + 4 if left else size + 8
        here = struct.pack("=BBH", BC_D_COND, size, otherwise) + condition + struct.pack("=BBH", BC_JMP, 4, left + 4)
        code, left = here + code, left + len(here)
    return code


def negotiated(destinations):
    # type: (List[Tuple[str, int]]) -> Dict[Tuple[str, int], List[int]]
    """Of established connections, by destination: how many negotiated timestamps, and how many did not."""
    found = {}  # type: Dict[Tuple[str, int], List[int]]
    if not destinations:
        return found
    code = host_filter(destinations)
    attribute = struct.pack("=HH", 4 + len(code), REQ_BYTECODE) + code
    for block, _length in blocks_of([ESTABLISHED], 1 << (INFO - 1), attribute):
        for message in messages_in(block):
            options = tcp_options(message)
            if options is None:
                continue
            size = 4 if bytearray(message)[16] == AF_INET else 16
            name = (address(message[40 : 40 + size]), struct.unpack_from(">H", message, 22)[0])
            found.setdefault(name, [0, 0])[options & OPTION_TIMESTAMPS] += 1
        if sum(map(sum, found.values())) >= SAMPLE:
            break
    return found


def tcp_options(message):
    # type: (bytes) -> Optional[int]
    """The sixth byte of struct tcp_info, where the message has one."""
    at = FIXED
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == INFO and length >= 10:
            return bytearray(message)[at + 9]
        at += max(length, 4) + 3 & ~3
    return None


def offset_of_timestamps():
    # type: () -> str
    """How this kernel offsets timestamps, as four connections of the host to itself have them; they leave nothing."""
    opened, values = [], []
    try:
        for host in ("127.0.0.1", "127.0.0.2"):
            server = socket.socket(AF_INET, socket.SOCK_STREAM, 0)
            opened.append(server)
            server.bind((host, 0))
            server.listen(2)
            for _twice in range(2):
                client = socket.socket(AF_INET, socket.SOCK_STREAM, 0)
                opened.append(client)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 2, 0))
                # Closed by a reset: no TIME_WAIT of ours.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.connect(server.getsockname())
                values.append(client.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP))
    except EnvironmentError:
        return "unknown"
    finally:
        for one in reversed(opened):
            one.close()
    if not is_one_clock(values[0], values[1]):
        return "per_connection"
    return "none" if is_one_clock(values[0], values[2]) else "per_host"


def is_one_clock(one, other):
    # type: (int, int) -> bool
    """Whether two timestamps in milliseconds were taken from one clock, within five seconds."""
    return (one - other + 5000) % (1 << 32) < 10000


def in_use():
    # type: () -> int
    """How many sockets there are that are not in TIME_WAIT, those that listen among them."""
    lines = open("/proc/net/sockstat").readlines()
    try:
        of_ipv6 = open("/proc/net/sockstat6").readlines()
    except EnvironmentError:
        # A kernel may have no IPv6.
        of_ipv6 = []
    return sum(int(line.split()[2]) for line in lines + of_ipv6 if line.startswith(("TCP:", "TCP6:")))


def tally_of(states, ephemeral, timer=TIMER_OF_TIME_WAIT):
    # type: (List[int], bytearray, bytes) -> Tuple[Tally, bool]
    """All sockets in these states, and whether the kernel told all of them."""
    for _attempt in range(3):
        tally = Tally(ephemeral, timer)
        try:
            for block, length in blocks_of(states):
                tally.add(block, length)
        except Interrupted:
            continue
        return tally, True
    return tally, False


def largest(tally, top):
    # type: (Dict[Any, int], int) -> List[Any]
    # Most of very many are not worth a comparison.
    least = sorted(tally.values())[-top:][:1]
    return sorted((name for name in tally if [tally[name]] >= least), key=lambda name: (-tally[name], name))[:top]


def answer(words):
    # type: (List[str]) -> Iterator[str]
    top, low, high = map(int, words[:3])
    listeners = listening_ports()
    listening = set(listeners)
    ephemeral = ephemeral_ports(low, high, listening | port_ranges(words[3]))
    tally, whole = tally_of([TIME_WAIT, FIN_WAIT_2], ephemeral)
    groups = tally.merged()
    opened, lost = {}, tally.lost  # type: Dict[bytes, int], int
    # To look for them among a million others takes its time.
    if tally.fin_wait_2 or in_use() > len(listeners):
        others, all_told = tally_of(OPEN, ephemeral, b"")
        opened, lost, whole = others.merged(), max(lost, others.lost), whole and all_told
    taken = {key: groups.get(key, 0) + opened.get(key, 0) for key in set(groups) | set(opened)}
    ports = {as_sent(raw): number for raw, number in tally.ports.items()}
    inbound = {port: ports[port] for port in ports if port in listening and not low <= port <= high}
    rest = {port: ports[port] for port in ports if port not in inbound}
    yield "whole %d\nfin_wait_2 %d" % (int(whole), tally.fin_wait_2)
    yield "inbound %d %d" % (sum(inbound.values()), len(inbound))
    yield "outbound %d %d %d" % (tally.outbound, len(taken), lost)
    yield "undetermined %d %d" % (sum(rest.values()), len(rest))
    for port in largest(inbound, top):
        yield "in %d %d" % (port, inbound[port])
    for port in largest(rest, top):
        yield "other %d %d %s" % (port, rest[port], "listener" if port in listening else "free")
    named = largest(taken, top)
    for key in named:
        yield "out %s %s %d %d %d" % (name_of(key) + (groups.get(key, 0), opened.get(key, 0)))
    try:
        sample = negotiated(sorted({name_of(key)[1:] for key in named if key in opened}))
    except (EnvironmentError, Interrupted):
        sample = {}
    for destination, numbers in sorted(sample.items()):
        yield "timestamps %s %d %d %d" % (destination + (numbers[1], numbers[0]))
    yield "offset %s\nend" % offset_of_timestamps()


if __name__ == "__main__":
    sys.stdout.write("".join(line + "\n" for line in answer(sys.argv[1:])))
