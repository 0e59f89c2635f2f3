"""Letters with a one-time link, by the school's own mail server (setting ``sign_in.mail``)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import SecretStr

from engage.alerts.by_apprise import CONNECT_S, READ_S
from engage.core.notices import LETTERS, SUBJECTS, Delivery, NoticeKind, Parcel
from engage.errors import DeliveryError, DeliveryRefused

TEXTS = {
    NoticeKind.INVITATION: "You are invited to Engage, which shows a class how it appears to follow a lesson. "
    "Open this link to make your account:",
    NoticeKind.PASSWORD_RESET: "Somebody, probably you, asked for a new password for Engage. "
    "Open this link to choose one:",
}


class LetterSender:
    """Sends each letter to the address it is for. The mail server is the settings', so any of them may be used."""

    together = False

    def __init__(self, base_url: str, mail: SecretStr | None) -> None:
        """Link to pages at ``base_url``; without ``mail`` nothing can be sent."""
        self._base_url = base_url
        self._mail = mail

    def send(self, delivery: Delivery, parcels: tuple[Parcel, ...]) -> None:
        """Send one letter; DeliveryError where the server does not take it, DeliveryRefused where there is none."""
        import apprise  # takes a second, and many installations never need it

        if self._mail is None:
            raise DeliveryRefused("No mail server is set; give one in sign_in.mail.")
        service = apprise.Apprise.instantiate(addressed(self._mail.get_secret_value(), delivery.address))
        if service is None:
            raise DeliveryRefused("The mail server in sign_in.mail cannot be understood.")
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_S, READ_S
        messenger = apprise.Apprise()
        messenger.add(service)
        for parcel in parcels:
            text = letter(parcel, self._base_url)
            title = f"Engage: {SUBJECTS[parcel.kind]}"
            if not messenger.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT):
                raise DeliveryError("The mail server did not take the letter; check sign_in.mail.")


def addressed(mail: str, recipient: str) -> str:
    """Return the mail server's Apprise address with ``recipient`` as the only one to be told."""
    parts = urlsplit(mail)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in ("to", "cc", "bcc")]
    return urlunsplit(parts._replace(path="", query=urlencode([*query, ("to", recipient)])))


def letter(parcel: Parcel, base_url: str) -> str:
    """Return the text of a letter: what it is for, the link, how long that works, and that it may be ignored."""
    hours = LETTERS[parcel.kind].total_seconds() / 3600
    lasts = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hour{'s' if hours > 1 else ''}"
    return (
        f"{TEXTS[parcel.kind]}\n\n{base_url}{parcel.link}\n\n"
        f"The link works once, for {lasts}. A newer letter replaces it. "
        "If you did not expect this letter, you need not do anything; nothing has changed."
    )
