"""A relay on loopback for the tests, made of aiosmtpd: keeps what it takes, and answers as it is told.

Usage: smtp_server.py FOLDER [--tls CERTIFICATE KEY] [--implicit] [--login USER PASSWORD_FILE]

Prints its port. Each mail that it takes is FOLDER/N.eml, its envelope is FOLDER/N.to. Each line of FOLDER/answers is for one mail
and says what else happens: "ehlo CODE TEXT", "mail CODE TEXT", "rcpt CODE TEXT" and "data CODE TEXT" refuse, "drop" takes the mail and dies before it says so.
Whoever logs in makes FOLDER/asked, and waits while there is a FOLDER/hold.
"""

import argparse
import asyncio
import base64
import pathlib
import ssl
import time

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

arguments = argparse.ArgumentParser()
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("--implicit", action="store_true")
arguments.add_argument("--login", nargs=2)
arguments = arguments.parse_args()


class Relay:
    def __init__(self):
        self.taken = 0

    def told(self, verb):
        """What it is told to do now, once."""
        path = arguments.folder / "answers"
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or not lines[0].startswith(verb):
            return None
        path.write_text("\n".join(lines[1:]))
        return lines[0][len(verb):].strip()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        answer = self.told("ehlo")
        return responses if answer is None else [answer]

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self.told("mail")
        if answer is not None:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.told("rcpt")
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        answer = self.told("data")
        if answer is not None:
            return answer
        self.taken += 1
        to = "\n".join([envelope.mail_from, *envelope.rcpt_tos, "tls" if server.transport.get_extra_info("ssl_object") else "plain"])
        (arguments.folder / f"{self.taken}.to").write_text(to)
        (arguments.folder / f"{self.taken}.eml").write_bytes(envelope.original_content)
        if self.told("drop") is not None:
            server.transport.abort()
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    (arguments.folder / "asked").touch()
    while (arguments.folder / "hold").exists():
        time.sleep(0.01)
    user, password = arguments.login[0], pathlib.Path(arguments.login[1]).read_text().rstrip("\n")
    if isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode()):
        return AuthResult(success=True)
    # There are relays that repeat what they were told.
    told = " ".join([data.password.decode(), base64.b64encode(b"\0" + data.login + b"\0" + data.password).decode()])
    return AuthResult(success=False, handled=False, message=f"535 5.7.8 nobody logs in with {told}")


async def main():
    context = None
    if arguments.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*arguments.tls)
    options = {"enable_SMTPUTF8": False, "hostname": "relay.test"}
    if context and not arguments.implicit:
        options |= {"tls_context": context, "require_starttls": True}
    if arguments.login:
        options |= {"authenticator": login, "auth_required": True, "auth_require_tls": context is not None}
        if arguments.implicit:
            # aiosmtpd knows of STARTTLS only.
            options["auth_require_tls"] = False
    relay = Relay()
    implicit = context if arguments.implicit else None
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(relay, **options), "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
