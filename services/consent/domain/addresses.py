"""Whose addresses cannot be an adherent's: those of the people who run the desk."""

from dataclasses import dataclass

from desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAddresses:
    """Addresses, and domains from which only the desk's people write; all in lower case."""

    addresses: frozenset[str]
    domains: frozenset[str]

    @classmethod
    def of(cls, desk: Desk) -> "DeskAddresses":
        """Collect assistants, official senders, staff, tools, and the desk's own mailboxes."""
        queues = (desk.queues.marketplace, desk.queues.general)
        official = [sender.address.lower() for sender in desk.operator.official_senders]
        addresses = {
            *(assistant.address for assistant in desk.assistants.values()),
            *(address for queue in queues for address in queue.staff),
            *(queue.ticket_mail for queue in queues if queue.ticket_mail),
            desk.operator.sender.address,
            desk.operator.reply_to,
            desk.contacts.dpo.address,
            desk.training.address,
        }
        return cls(
            addresses=frozenset(address.lower() for address in (*addresses, *official)),
            domains=frozenset(address.rpartition("@")[2] for address in official),
        )

    def include(self, address: str) -> bool:
        """Return whether the address is the desk's, or lies in an official sender's domain."""
        known = address.lower()
        domain = known.rpartition("@")[2]
        within = (domain == one or domain.endswith(f".{one}") for one in self.domains)
        return known in self.addresses or any(within)
