### Single words, used in several places.

word-error = Error:
word-yes = yes
word-authentication = authentication
word-signature = signature
word-authentication-pin = authentication PIN
word-signature-pin = signature PIN
word-puk = PUK
word-transport-pin = transport PIN
