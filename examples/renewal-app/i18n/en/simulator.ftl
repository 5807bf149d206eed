### `simulator`: cards in files.

simulator-made = A simulated card is in { $file }. Use it with --token sim:{ $file }
simulator-exists = { $file } exists already. Nothing was changed.
simulator-pins = Its PINs are for play: authentication PIN { $authentication }, signature PIN { $signature }, PUK { $puk }.
simulator-transport = It is inactive; its transport PIN is for play: { $transport }. Activate it with: obnova card activate
simulator-inactive = It is inactive. Activate it with: obnova card activate
simulator-house = Its pair was issued by { $name }.
simulator-serials = The card and its certificates, for "obnova-ca applicant personalise": --card { $card } --certificate { $authentication } --certificate { $signature }
simulator-unreadable = The simulated card { $file } cannot be used: { $problem }. Make a new one with: obnova simulator new FILE
simulator-in-use = Another program has the simulated card: { $problem }.
simulator-serving = The card is in the virtual reader at port { $port }; pcscd shows it after a second or two. Take it out with Ctrl-C.
simulator-no-reader = There is no virtual reader at port { $port } ({ $problem }): start pcscd with vpcd (Debian: apt-get install pcscd vsmartcard-vpcd).
simulator-torn = The card will be torn out at command { $at } of its next use.
