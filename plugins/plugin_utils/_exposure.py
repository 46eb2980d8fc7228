# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is public-facing or behind NAT: what the inventory says, and what the host shows. Pure.

Tags are a union: every source can add exposure, none can take it away.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ._snapshot import Address, Snapshot
from ._values import BadRequest

Tag = Literal["public_facing", "behind_nat", "private"]
TAGS: tuple[Tag, ...] = get_args(Tag)

#: Address blocks that are not globally routable, from the special-purpose registries of IANA (RFC 6890 and its
#: updates), and multicast. Pinned here: the answer must not change with the Python of the controller.
NOT_GLOBAL = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/32",
        "2001:2::/48",
        "2001:db8::/32",
        "2001:10::/28",
        "2002::/16",
        "3fff::/20",
    )
)
#: Only this block of IPv6 is allocated to global unicast.
GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Claim:
    """A tag, and where it comes from, in words."""

    tag: Tag
    origin: str


@dataclass(frozen=True)
class Exposure:
    """What is known of a host's exposure. Each field is the evidence for it; empty means that there is none."""

    public_facing: tuple[str, ...]
    behind_nat: tuple[str, ...]
    #: Attestations that the host is neither. They count only when the two above are empty.
    private: tuple[str, ...]

    @property
    def attested_private(self) -> bool:
        return bool(self.private) and not self.public_facing and not self.behind_nat

    @property
    def unclassified(self) -> bool:
        return not (self.private or self.public_facing or self.behind_nat)


def words_of(raw: object, origin: str) -> list[Claim]:
    """The tags in a value of ``timewait_exposure``. Raises BadRequest."""
    return [Claim(_tag(word, origin), origin) for word in listed(raw, origin, ", ".join(TAGS))]


def listed(raw: object, origin: str, what: str) -> list[str]:
    """The words of a list, or of a string with commas or blanks, in whatever brackets and quotes. Raises BadRequest.

    A word that still has a bracket or a quote in it was meant otherwise: to take it for a name that nothing bears would
    be to ignore it.
    """
    if raw is None:
        return []
    parts = [raw] if isinstance(raw, str) else raw
    if not isinstance(parts, (list, tuple, set)) or not all(isinstance(part, str) for part in parts):
        raise BadRequest(f"{origin} must be a list of {what}, not {ascii(raw)[:60]}")
    words = [word.strip("[]'\"") for part in parts for word in part.replace(",", " ").split()]
    for word in words:
        if any(character in "[]{}'\"" for character in word):
            raise BadRequest(f"{origin} must be a list of {what}, not {ascii(raw)[:60]}")
    return [word for word in words if word]


def _tag(word: object, origin: str) -> Tag:
    wanted = word.strip(" '\"").replace("-", "_").lower() if isinstance(word, str) else None
    for tag in TAGS:
        if tag == wanted:
            return tag
    raise BadRequest(f"{origin}: unknown exposure {ascii(word)[:60]}; the words are {', '.join(TAGS)}")


def group_claims(
    host: str, groups: Mapping[str, Iterable[str]], public_groups: Iterable[str], nat_groups: Iterable[str]
) -> list[Claim]:
    """The tags that a host has by its groups.

    ``groups`` is Ansible's magic variable: all groups and their hosts. (``group_names`` would not do: a play, or a
    compromised host, can set it.)
    """
    meaning: list[tuple[str, Tag]] = [(tag, tag) for tag in TAGS]
    meaning += [(_same(name), "public_facing") for name in sorted(public_groups)]
    meaning += [(_same(name), "behind_nat") for name in sorted(nat_groups)]
    return [
        Claim(tag, f"group {group}")
        for group in sorted(groups)
        if host in groups[group]
        for tag in dict.fromkeys(tag for name, tag in meaning if name == _same(group))
    ]


def _same(name: str) -> str:
    """Names of groups are told apart as tags are: neither by hyphens nor by capitals."""
    return name.replace("-", "_").lower()


def exposure_of(claims: Iterable[Claim], snapshot: Snapshot | None = None) -> Exposure:
    """The exposure of a host by its tags, and by what it shows of itself. Raises BadRequest on a contradiction."""
    claims = list(claims)
    tagged = {tag: [claim.origin for claim in claims if claim.tag == tag] for tag in TAGS}
    exposed = [claim for claim in claims if claim.tag != "private"]
    if tagged["private"] and exposed:
        raise BadRequest(
            f"this host is tagged private ({', '.join(tagged['private'])}) and {exposed[0].tag} "
            f"({exposed[0].origin}); only one of them can be true"
        )
    public = [f"tagged public_facing by {origin}" for origin in tagged["public_facing"]]
    nat = [f"tagged behind_nat by {origin}" for origin in tagged["behind_nat"]]
    if snapshot:
        public += [f"address {address} is globally routable" for address in snapshot.addresses if is_global(address)]
        nat += snapshot.nat
        dropped = snapshot.counters.get("PAWSPassive", 0)
        if dropped:
            nat.append(f"tcp_tw_recycle has already dropped {dropped} connection attempts here (PAWSPassive)")
    private = [f"tagged private by {origin}" for origin in tagged["private"]]
    return Exposure(_unique(public), _unique(nat), _unique(private))


def _unique(words: list[str], most: int = 10) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))[:most]


def is_global(address: Address) -> bool:
    """Whether packets to the address can be routed on the public internet."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.version == 6 and address not in GLOBAL_IPV6:
        return False
    return not any(address.version == block.version and address in block for block in NOT_GLOBAL)
