#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Long work on a big table: how far it is, on a terminal and for programs, and what an
# interrupt leaves of it, which is said exactly.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers entries

many=100000

# on_terminal [--then WHEN ACTION]... PART COMMAND...: terminal.py's summary in $term.
on_terminal()
{
	local -a then=()

	while [ "$1" = --then ]; do
		then+=("$1" "$2" "$3")
		shift 3
	done
	term=$(python3 "$e2e_dir/terminal.py" "${then[@]}" -- "$lab" exec "$@")
}

term()
{
	jq -r "$1" <<<"$term"
}

screen()
{
	term '.screen | join("\n")'
}

no_line_left()
{
	is "$(term '[.screen[] | select(test("^nsemig: [0-9]+:[0-9]"))] | @json')" '[]' \
		"$1: the line is gone at the end"
}

count()
{
	at "$1" cat /proc/sys/net/netfilter/nf_conntrack_count
}

# Few of the host's own may come and go.
few_at()
{
	[ "$(count "$1")" -lt 1000 ]
}

# Reads a pipe slowly, a piece in $3 seconds, and writes what it has read to $2. Both
# can be the number of a descriptor.
cat >"$work/slow" <<'END'
import sys, time
names = [int(n) if n.isdigit() else n for n in sys.argv[1:3]]
with open(names[0], "rb", buffering=0) as pipe, open(names[1], "wb", buffering=0) as out:
    while got := pipe.read(30000):
        out.write(got)
        time.sleep(float(sys.argv[3]))
END

# nsemig at the other end, which answers late.
cat >"$work/there" <<END
#!/bin/bash
"$NSEMIG" "\$@"
rc=\$?
sleep 2
exit \$rc
END
chmod 755 "$work/there"
mkfifo "$work/pipe"

lab_up
at A "$helpers/entries" $many || bail_out "no entries"

# --- snapshot

python3 "$work/slow" "$work/pipe" "$work/read" 0.06 &
on_terminal --then 'collecting: ' resize:50 A "$NSEMIG" snapshot --all -o "$work/pipe"
is "$(term .status)" 0 "a snapshot into a slow pipe" || diag "$(screen)"
wait $!
like "$(term '.frames[0]')" \
	"collecting: [0-9,]+ of [0-9,]+ records \([0-9.]+ [A-Za-z]+\), [0-9,]+/s" \
	"the line tells how many of how many, and how fast"
at_least "$(term '[.frames[] | select(length >= 50)] | length')" 1 "it has its width"
at_least "$(term '.late | length')" 1 "it goes on when the terminal becomes narrow"
is "$(term '[.late[] | length] | max < 50')" true "and fits it"
at_least "$(term '.seconds * 4 + 2 - (.frames | length) | floor')" 0 \
	"it is drawn four times a second at most"
no_line_left "a snapshot"
at_least "$("$NSEMIG" show --json "$work/read" | grep -o '"engine"' | wc -l)" $many \
	"the stream is whole"

python3 "$work/slow" "$work/pipe" "$work/read" 0.06 &
on_terminal --then 'collecting: ' ^C A "$NSEMIG" snapshot --all -o "$work/pipe"
is "$(term .status)" 3 "Ctrl-C in a snapshot" || diag "$(screen)"
wait $!
like "$(screen)" "interrupted: the stream has no end" "it says what became of the output"
no_line_left "interrupted"
"$NSEMIG" show "$work/read" >"$work/out" 2>"$work/err"
is $? 3 "no reader takes the beginning for the whole"

at A "$NSEMIG" snapshot --all -o "$work/file" --progress json 2>"$work/err"
is $? 0 "a snapshot that is told to programs"
is "$(jq -s 'map(.format, .phase) | unique | @json' "$work/err")" '"[1,\"collect\"]"' \
	"an object a line"
is "$(jq -s 'map(.records) | . == sort' "$work/err")" true "the records only grow"
before=$(cksum <"$work/file")

# On a busy machine the key may come too late: then it is tried again.
for ((i = 0; i < 10; i++)); do
	on_terminal --then '"collect"' ^C A \
		"$NSEMIG" snapshot --all -o "$work/file" --progress json
	[ "$(term .status)" = 0 ] || break
	before=$(cksum <"$work/file")
done
is "$(term .status)" 3 "Ctrl-C in a snapshot into a file"
like "$(screen)" "interrupted: $work/file was not written, what was there before is untouched" \
	"it says what became of the file"
is "$(cksum <"$work/file")" "$before" "which is true"
is "$(cd "$work" && echo file*)" file "and nothing is beside it"

# On a busy machine it may not be quick.
for ((i = 0; i < 10; i++)); do
	on_terminal A "$NSEMIG" snapshot -e nft --addr 10.99.99.99 -o "$work/small"
	[ "$(term '.frames | length')" != 0 ] || break
done
is "$(term '[.status, .frames] | @json')" '[0,[]]' "what is quick has no line"

# --- send

send=("$NSEMIG" send "$work/file" "root@$LAB_MGMT_B" --identity "$LAB_IDENTITY"
	--known-hosts "$LAB_KNOWN_HOSTS")
at B conntrack -F >/dev/null 2>&1

on_terminal --then 'waiting for the' ^C --then 'has to be waited for' ^C A "${send[@]}" \
	--remote-command "$work/there"
is "$(term .status)" 0 "Ctrl-C when all was sent: it goes on" || diag "$(screen)"
is "$(term '[.screen[] | select(test("was sent the whole context and installs it"))] | length')" \
	"$(term .acted)" "each time it says why"
at_least "$(count B)" $many "it is there"
no_line_left "sent"

# Cut in the middle: what is more than any buffer takes, and in the place of ssh(1) what
# reads slowly for the other host. Keys of the terminal do not get there.
python3 - >"$work/big" <<'END'
import random
def addr():
    return random.randbytes(16).hex(":", 2)
print("table inet big {\nset s {\ntype ipv6_addr . ipv6_addr\nelements = {",
      ",\n".join(addr() + " . " + addr() for _ in range(120000)), "}\n}\n}")
END
at A nft -f "$work/big" 2>/dev/null && at A "$NSEMIG" snapshot --table inet:big -o "$work/big" ||
	bail_out "no big context"
at A nft delete table inet big
cat >"$work/rsh" <<END
#!/bin/bash
trap '' TERM
shift
python3 "$work/slow" 0 1 0.015 | setsid "$lab" exec B "\$@"
rc=\${PIPESTATUS[1]}
echo \$rc >"$work/far"
[ ! -e "$work/lose" ] || exit 255
exit \$rc
END
chmod 755 "$work/rsh"
by_rsh=(hostB --rsh "$work/rsh" --remote-command "$NSEMIG" --progress json)
for signal in ^C SIGTERM SIGHUP; do
	on_terminal --then '"send","records":[1-9]' $signal A "$NSEMIG" send "$work/big" "${by_rsh[@]}"
	is "$(term .status) $(cat "$work/far")" "3 3" "$signal while it is sent: both ends fail" ||
		diag "$(screen)"
	like "$(screen)" "interrupted: hostB has a part .* nothing of it is installed there" \
		"$signal while it is sent: it says what the other host has"
	like "$(screen)" "hostB: nsemig: .*" "$signal while it is sent: which says so, too"
done
is "$(at B nft list tables | grep big)" "" "which is true"
on_terminal --then '"send","records":[1-9]' ^C A "$NSEMIG" send "$work/big" "${by_rsh[@]}" --store-dir "$work/kept"
is "$(term .status) $(cat "$work/far")" "3 3" "Ctrl-C in what would be stored"
is "$(ls -A "$work/kept" 2>/dev/null)" "" "nothing is"
on_terminal --then '"wait"' ^C A "$NSEMIG" send "$work/small" "${by_rsh[@]}"
is "$(term .status) $(cat "$work/far")" "0 0" "Ctrl-C does not reach the remote shell" ||
	diag "$(screen)"
touch "$work/lose"
on_terminal A "$NSEMIG" send "$work/small" "${by_rsh[@]}"
is "$(term .status) $(cat "$work/far")" "4 0" "a link that breaks before the answer: unclear"
like "$(screen)" "hostB was sent the whole context, and the link broke .*To do: send it again" \
	"it says so, and what to do"

on_terminal --then 'connecting' ^C A "$NSEMIG" send "$work/file" 10.77.0.222 \
	--identity "$LAB_IDENTITY" --known-hosts "$LAB_KNOWN_HOSTS"
is "$(term .status)" 3 "Ctrl-C while it connects to a host that is silent"
like "$(screen)" "interrupted: nothing was sent to 10.77.0.222" "nothing has happened"
at_least "$(term '10 - .seconds | floor')" 0 "it need not wait for the connection's time"

# --- apply

at B conntrack -F >/dev/null 2>&1
for ((i = 0; i < 10; i++)); do
	on_terminal --then '"install"' ^C B "$NSEMIG" apply "$work/file" --progress json
	[ "$(term .status)" = 0 ] || break
	at B conntrack -F >/dev/null 2>&1
done
is "$(term .status)" 3 "Ctrl-C while a context is installed"
like "$(screen)" "interrupted; the [0-9]+ records that were installed are removed again" \
	"it says what was taken back"
few_at B
ok $? "which is true"

# --- receive

python3 "$work/slow" "$work/file" "$work/pipe" 0.03 &
on_terminal B sh -c "'$NSEMIG' receive --apply --progress json <'$work/pipe'"
is "$(term .status)" 0 "a context that comes slowly" || diag "$(screen)"
wait $!
is "$(term '[.screen[] | select(startswith("{")) | fromjson |
	select(.phase == "install") | .records_total >= '$many'] | any')" true \
	"it is told that it is installed, and how much of it there is"
like "$(screen)" "nsemig: [0-9]+ created, [0-9]+ kept, 0 refused" "it says what it has done"
at B conntrack -F >/dev/null 2>&1
python3 "$work/slow" "$work/file" "$work/pipe" 0.03 2>/dev/null &
on_terminal --then '"read"' ^C B sh -c \
	"exec '$NSEMIG' receive --store '$work/kept' --progress json <'$work/pipe'"
is "$(term .status) $(ls -A "$work/kept" 2>/dev/null)" "3 " "Ctrl-C while it is read"
like "$(screen)" "interrupted: nothing was stored" "it says so"

on_terminal B "$NSEMIG" apply "$work/small" --progress json
is "$(term .status)" 0 "applied"
is "$(term '[.screen[] | select(startswith("{")) | fromjson.phase] | unique | @json')" \
	'["install","read","settle","verify"]' "each phase is told of"
done_testing
