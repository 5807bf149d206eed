### `register`: telling other programs where the card's certificates are.

register-title = Programs that look here will find the certificates on your card:
register-remove-title = Programs that look here will not find the certificates on your card any more:
register-module = Through the library { $name } ({ $library }); your certificates and keys stay on the card.
register-issuer = Certificate of the issuer: { $name }
register-no-trust = No website becomes trusted by it.
register-nowhere = There is no program here that could be told: neither Firefox, Thunderbird or Chromium with a profile of this user, nor p11-kit. Start the program once, or name its profile with --nss.
register-there-already = { $place }: everything is there already
register-nothing-to-remove = { $place }: there was nothing to remove
register-done = { $place }: registered, with { $certificates ->
        [0] no new certificate of the issuer
        [one] 1 certificate of the issuer
       *[other] { $certificates } certificates of the issuer
    }
register-removed = { $place }: removed, with { $certificates ->
        [0] no certificate of the issuer
        [one] 1 certificate of the issuer
       *[other] { $certificates } certificates of the issuer
    }
register-restart = Programs that run now see it when they are started again.

error-no-library = { $library } is not there. Install OpenSC (Debian: opensc-pkcs11), or name the card's PKCS#11 library with --module.
error-no-database = There is no NSS database in { $folder }: name the folder with cert9.db, such as a profile of Firefox.
error-no-program = { $program } is not installed: install it (Debian: apt-get install { $package }).
error-not-kept = { $place } does not keep what is entered: close the programs that use it, then try again.
