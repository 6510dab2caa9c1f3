#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `nsemig show` for people: on a terminal of a known size, through the pager
# and without it, with colour and without, and its stable form for scripts.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers entries
command -v python3 >/dev/null || skip_all "no python3"

unshare -n sleep 600 &
pid_a=$!
A() { nsenter -t $pid_a -n "$@"; }
in_namespace() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
eventually in_namespace $pid_a || bail_out "no namespace"

export NSEMIG_CONFIG=$work/conf
: >"$NSEMIG_CONFIG"
unset NO_COLOR LESS PAGER NSEMIG_PAGER COLUMNS
export TERM=xterm
file=$work/web.nsc out=$work/out err=$work/err
entry() { A conntrack -I "$@" >/dev/null 2>&1 || bail_out "conntrack -I $*"; }

for ((port = 1001; port <= 1060; port++)); do
	entry -s 10.0.0.$((port - 1000)) -d 192.0.2.1 -p tcp --sport $port --dport 443 \
		--state ESTABLISHED -u SEEN_REPLY,ASSURED -t $((port + 5000))
done
entry -s 2001:db8::9 -d 2001:db8::1 -p udp --sport 53 --dport 5353 -t 40
A "$NSEMIG" snapshot --all -o "$file" 2>/dev/null || bail_out "no snapshot"
# Rules with all that the summary tells, a translated flow, and times.
A nft -f - <<-'END' || bail_out "no rules"
	table inet filter {
		quota q1 { over 10 mbytes used 2 mbytes }
		set web { type inet_service; elements = { 80, 443, 8080 } }
		set tags { type ipv4_addr; elements = { 192.0.2.9 comment "a	b\c" } }
		chain nat {
			type nat hook postrouting priority srcnat
		}
		chain forward {
			type filter hook forward priority 0
			ip saddr 192.0.2.7 quota over 25 mbytes drop
			ct count over 20 drop
		}
	}
END
A sysctl -qw net.netfilter.nf_conntrack_timestamp=1
entry -s 10.0.2.1 -d 192.0.2.1 -p tcp --sport 7 --dport 8080 --state TIME_WAIT -t 3000
entry -s 10.0.2.2 -d 192.0.2.1 -p udp --sport 8 --dport 9 -t 3000 -n 198.51.100.99:5353
A "$NSEMIG" snapshot --all -o "$work/rules.nsc" 2>/dev/null || bail_out "no snapshot"

# More of them than a pipe holds.
for ((port = 1; port <= 300; port++)); do
	entry -s 10.0.1.1 -d 192.0.2.1 -p udp --sport $port --dport 443 -t 1000
done
A "$NSEMIG" snapshot --all -o "$work/big.nsc" 2>/dev/null || bail_out "no snapshot"

# tty COLUMNSxLINES KEYS CMD...: see tests/e2e/terminal. All that came is in $seen,
# the status is $rc.
tty()
{
	seen=$("$e2e_dir/terminal" "$@" 2>&1)
	rc=$?
}
unlike()
{
	[[ ! $1 =~ $2 ]]
	ok $? "$3" || told "'$1' has something like '$2'"
}
plain() { sed -E 's/\x1b\[[0-9;?]*[a-zA-Z]//g' <<<"$seen"; }

# The pager.
cat >"$work/pager" <<-END
	#!/bin/sh
	echo "LESS=\$LESS" >"$work/paged"
	exec sed 's/^/> /'
END
chmod +x "$work/pager"
paged() { [ -e "$work/paged" ] && rm "$work/paged"; }

NSEMIG_PAGER=$work/pager PAGER=false tty 100x24 "" "$NSEMIG" show -s "$file"
is "$rc" 0 "a pager: the status"
like "$seen" '> .*Records:' "a pager: gets the output"
is "$(cat "$work/paged")" LESS=FRX "a pager: less would know how to behave"
like "$seen" $'\x1b\\[1m' "a pager: colour as on the terminal"
LESS=X NSEMIG_PAGER="$work/pager with words" tty 100x24 "" "$NSEMIG" show -s "$file"
is "$(cat "$work/paged")" LESS=X "a pager: what the user wants of less stays; it may have words"
NSEMIG_PAGER="$work/pager | tr a-z A-Z" tty 100x24 "" "$NSEMIG" --color never show -s "$file"
like "$seen" '> RECORDS:' "a pager: a line for the shell"
unlike "$seen" $'\x1b' "a pager: --color never"
rm -f "$work/paged"
for none in "" cat; do
	NSEMIG_PAGER=$none PAGER=$work/pager tty 100x24 "" "$NSEMIG" show -s "$file"
	like "$rc $seen" '^0 .*Records:' "'$none' is no pager"
done
PAGER=$work/pager tty 100x24 "" "$NSEMIG" --no-pager show -s "$file"
like "$rc $seen" '^0 .*Records:' "--no-pager in front of the command"
PAGER=$work/pager tty 100x24 "" "$NSEMIG" show --no-pager -s "$file"
like "$rc $seen" '^0 .*Records:' "--no-pager behind it"
PAGER=$work/pager "$NSEMIG" show -s "$file" >"$work/out"
[ ! -e "$work/paged" ]
ok $? "no pager but on a terminal"
PAGER=$work/pager tty 100x24 "" "$NSEMIG" show -s "$file.not"
is "$rc" 3 "a failure keeps its status"
[ ! -e "$work/paged" ]
ok $? "and needs no pager"
PAGER=/nonexistent/pager tty 100x24 "" "$NSEMIG" show -s "$file"
like "$rc $seen" '^0 .*cannot run /nonexistent/pager.*Records:' "a missing pager: said, and shown"
PAGER="/nonexistent/pager | cat >&2; exit 127" tty 100x24 "" "$NSEMIG" show -s "$file"
like "$rc $seen" '^3 .*the pager .* cannot be run' "a missing pager in a shell: no silence"
mkdir "$work/bin"
tty 100x24 "" env PATH="$work/bin" "$NSEMIG" show -s "$file"
like "$rc $seen" '^0 .*Records:' "no less: shown without"
unlike "$seen" 'nsemig:' "and without a word"
PAGER="head -n 3" tty 100x24 "" "$NSEMIG" show --json "$work/big.nsc"
is "$rc" 0 "a pager that is quit early: no error"
unlike "$seen" 'nsemig: ' "and no complaint"

if command -v less >/dev/null; then
	tty 200x24 "" "$NSEMIG" show -s "$file"
	like "$rc $seen" '^0 .*Records:' "less: ends by itself when all fits"
	tty 200x24 q "$NSEMIG" show "$file"
	is "$rc" 0 "less: q at the first page"
	like "$(plain)" '10\.0\.0\.5:' "less: the first page"
	unlike "$(plain)" '10\.0\.0\.59:' "less: not the last one"
	tty 200x24 " Gq" "$NSEMIG" show "$file"
	like "$(plain)" '10\.0\.0\.60:' "less: the last page"
else
	skip "the pager less" "not installed"
fi

# The summary.
"$NSEMIG" show -s "$work/rules.nsc" >"$out" 2>&1
has() { like "$(cat "$out")" "$1" "$2"; }
has 'conntrack entry tcp \(ESTABLISHED 60, TIME_WAIT 1\)' "the summary: TCP by state"
has 'conntrack entry udp \(unreplied 2\)' "the summary: UDP by what it has seen"
has 'inet filter web: 3 elements' "the summary: a set"
has 'Quotas: +inet filter q1: 2.0 MiB of 10.0 MiB used' "the summary: a quota"
has 'inet filter forward rule 0: 0 bytes of 25.0 MiB used' "the summary: the quota of a rule"
has 'Oldest: +since 20[^ ]*Z: conntrack entry tcp 10\.0\.2\.1:7 ' "the summary: the oldest"
has 'Next: +expires in [0-9]+ s: conntrack entry udp \[2001:db8::9\]' \
	"the summary: the next to expire"
has 'Lost: .*ct count. begins to count at 0' "the summary: what rules lose"
has '2 entries have counters or a start time' "the summary: what entries lose"

# On a terminal, times as people tell them.
tty 100x24 "" "$NSEMIG" --no-pager show -s "$work/rules.nsc"
like "$(plain)" 'Taken: +20[^ ]*Z \(([0-9]+ min )?[0-9]+ s ago\)' "a terminal: how long ago it was taken"
tty 100x24 "" "$NSEMIG" --no-pager show -s --filter proto=tcp "$file"
like "$(plain)" 'Next: +expires in 1 h 4[0-9] min: ' "a terminal: when the next one expires"
"$NSEMIG" show -s --filter proto=tcp "$file" >"$out"
has 'Next: +expires in [56][0-9]{3} s: ' "a file: in seconds"
unlike "$(cat "$out")" ' ago' "a file: the same whenever it is asked"

# The width of the terminal.
widest()
{
	plain | sed -n '/^PROTO/,$p' |
		awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }'
}
tty 64x24 "" "$NSEMIG" --no-pager show --filter proto=tcp "$file"
is "$(widest)" 64 "64 columns: the table fits"
like "$(plain)" '10\.0\.0\.60:1060 +192\.0\.2\.1:443 .*\+' \
	"64 columns: addresses are whole, the rest is cut"
unlike "$(plain)" 'REPLY|MARK|ZONE' "columns that say nothing are left out"
tty 200x24 "" "$NSEMIG" --no-pager show --filter proto=tcp "$file"
like "$(plain)" 'seen-reply,assured' "200 columns: nothing is cut"
COLUMNS=64 tty 200x24 "" "$NSEMIG" --no-pager show --filter proto=tcp "$file"
is "$(widest)" 64 "COLUMNS says how wide it is"
"$NSEMIG" show --filter proto=tcp "$file" >"$out"
has 'seen-reply,assured' "a file: nothing is cut"
COLUMNS=40 "$NSEMIG" show --filter proto=tcp "$file" | cmp -s - "$out"
ok $? "a pipe: nothing is cut"
# The pager waits for its first key while the terminal becomes narrower.
if command -v less >/dev/null; then
	tty 200x24 "winch=64 q" bash -c "$NSEMIG show -e conntrack $file
		$NSEMIG --no-pager show -e conntrack $file"
	is "$rc" 0 "a terminal that becomes narrower"
	seen=${seen##*Conntrack entries}
	like "$(plain)" 'seen-r[a-z,-]*\+' "the next table is as narrow"
	unlike "$(plain)" 'seen-reply,assured' "and nothing of it is wider"
else
	skip "resizing" "no less"
fi

# A table of more rows than are laid out together.
A "$helpers/entries" 2600 10.9.0.1 || bail_out "no entries"
A "$NSEMIG" snapshot --addr 10.9.0.1 -o "$work/long.nsc" 2>/dev/null || bail_out "no snapshot"
"$NSEMIG" show --columns src,sport,dst,timeout,status --no-headings "$work/long.nsc" |
	awk '{ $1 = $1; print }' >"$out"
same "$("$NSEMIG" show --porcelain --columns src,sport,dst,timeout,status "$work/long.nsc" |
	tr '\t' ' ')" "$(cat "$out")" "a long table: every row with its values"
is "$("$NSEMIG" show --columns sport,src --no-headings "$work/long.nsc" | awk '{ print length($0) }' |
	sort -u)" 14 "a long table: numbers at the right in every row"
tty 76x24 "" "$NSEMIG" --no-pager show "$work/long.nsc"
is "$(plain | sed -n '/^PROTO/,$p' | awk '{ print length($0) }' | sort -nu | tail -n 1)" 76 \
	"a long table: every row fits the terminal"
is "$(plain | grep -c 'seen-r[a-z,-]*+ *$')" "$(wc -l <"$out")" "a long table: each is cut alike"

# Colour.
coloured() { [[ $seen == *$'\e['* ]] && echo yes || echo no; }
tty 100x24 "" "$NSEMIG" --no-pager show -s "$file"
is "$(coloured)" yes "colour on a terminal"
NO_COLOR=1 tty 100x24 "" "$NSEMIG" --no-pager show -s "$file"
is "$(coloured)" no "NO_COLOR"
NO_COLOR=1 tty 100x24 "" "$NSEMIG" --no-pager --color always show -s "$file"
is "$(coloured)" yes "--color always is stronger"
TERM=dumb tty 100x24 "" "$NSEMIG" --no-pager show -s "$file"
is "$(coloured)" no "a terminal that is dumb"
seen=$("$NSEMIG" show "$file")
is "$(coloured)" no "none in a pipe"
seen=$("$NSEMIG" show --color=always "$file")
is "$(coloured)" yes "but when it is wanted"

# Columns and their order. show ARG...: $out without blanks at the ends of lines.
show() { "$NSEMIG" show "$@" 2>"$err" | sed 's/ *$//' >"$out"; }
show --columns SOURCE,dport,timeout --filter 'sport=1001,1002' "$file"
is "$(head -n 1 "$out")" "SOURCE        DPORT TIMEOUT" "--columns: titles, numbers at the right"
is "$(wc -l <"$out")" 3 "--columns: no summary"
show --no-headings --columns sport --sort -timeout --filter proto=tcp "$file"
is "$(tr -d ' ' <"$out" | head -n 3 | xargs)" "1060 1059 1058" "--sort: numbers downwards"
show --no-headings --columns sport --sort src --filter proto=tcp "$file"
is "$(tr -d ' ' <"$out" | sed -n '9,11p' | xargs)" "1009 1010 1011" "--sort: addresses are no texts"
show --no-headings --columns sport --sort state "$work/rules.nsc" --filter 'port in (7,8,1001)'
is "$(tr -d ' ' <"$out" | xargs)" "1001 7 8" "--sort: what has no such field comes last"
show --no-headings --columns sport --sort -state "$work/rules.nsc" --filter 'port in (7,8,1001)'
is "$(tr -d ' ' <"$out" | xargs)" "7 1001 8" "--sort: downwards, too"
"$NSEMIG" show --json --sort -sport --filter proto=tcp "$file" |
	jq -r '.records[0:2][].key.sport' | xargs >"$out"
is "$(cat "$out")" "1060 1059" "--sort: JSON as well"
"$NSEMIG" show --no-headings --filter sport=1001 "$file" >"$out"
is "$(wc -l <"$out")" 1 "--no-headings: nothing but records"
"$NSEMIG" show --columns nothing "$file" >"$out" 2>"$err"
is $? 2 "an unknown column: the status"
like "$(cat "$err")" "no column 'nothing'.*source.*proto" "an unknown column: those that there are"
"$NSEMIG" show --sort prto "$file" >"$out" 2>"$err"
is $? 2 "an unknown order"
like "$(cat "$err")" "did you mean 'proto'" "an unknown order: what was meant"
"$NSEMIG" show --json --porcelain "$file" >"$out" 2>"$err"
is $? 2 "two forms at once"
missing=
while read -r field; do
	"$NSEMIG" show --porcelain --columns "$field" "$work/rules.nsc" >/dev/null 2>&1 ||
		missing+="$field "
done < <("$NSEMIG" show --json "$work/rules.nsc" | jq -r '.records[] | [.key, .body, .state][] |
	paths(scalars) | map(select(type == "string")) | join(".")' | sort -u)
is "$missing" "" "every field of JSON can be a column"

# For scripts.
tab=$'\t'
tty 40x24 "" "$NSEMIG" show --porcelain --columns proto,src,sport,nat.src,status \
	--filter 'sport=8,1060' "$work/rules.nsc"
is "$seen" "tcp${tab}10.0.0.60${tab}1060${tab}${tab}seen-reply,assured
udp${tab}10.0.2.2${tab}8${tab}198.51.100.99:5353${tab}src-nat" \
	"--porcelain: tabs, empty values, neither colour nor pager nor cut on a terminal"
"$NSEMIG" show --porcelain --columns set,comment --filter 'set=tags' "$work/rules.nsc" >"$out"
is "$(cat "$out")" 'tags	a\tb\\c' "--porcelain: tabs and backslashes in a value"
"$NSEMIG" show --porcelain "$work/rules.nsc" >"$out"
is "$(awk -F'\t' '{ print NF }' "$out" | sort -u)" 24 "--porcelain: every record has all columns"
is "$(wc -l <"$out")" "$("$NSEMIG" show --json "$work/rules.nsc" | jq '.records | length')" \
	"--porcelain: a line for each record"

# Filters. matches EXPR N
matches()
{
	is "$("$NSEMIG" show --porcelain --columns src --filter "$1" "$work/rules.nsc" 2>&1 |
		wc -l)" "$2" "$1"
}
matches 'proto=tcp and dport=443 and state=ESTABLISHED' 60
matches 'src=10.0.0.0/27' 31
matches 'src=10.0.0.9-10.0.0.12' 4
matches 'sport in (1001, 1050-1060)' 12
matches 'addr=198.51.100.99' 1
matches 'port=443,5353 and not proto=tcp' 2
matches 'state != ESTABLISHED and proto=tcp' 1
"$NSEMIG" show --filter 'proto=tcp and dprt=443' "$file" >"$out" 2>"$err"
is $? 2 "an unknown field: the status"
is "$(cat "$err")" "nsemig: filter, column 15: no record has a field 'dprt'; did you mean 'dport'?
        proto=tcp and dprt=443
                      ^" "an unknown field: a caret below it"

done_testing
