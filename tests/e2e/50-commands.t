#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands on one host: snapshot, show, diff, apply and purge with the
# entries of real connections and some that are put there by hand, their exit
# status, and what they do with bad input.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers flood

# Three hosts: A and B are linked and talk, C is empty.
unshare -n sleep 600 &
pid_a=$!
unshare -n sleep 600 &
pid_b=$!
unshare -n sleep 600 &
pid_c=$!
A() { nsenter -t $pid_a -n "$@"; }
B() { nsenter -t $pid_b -n "$@"; }
C() { nsenter -t $pid_c -n "$@"; }
in_namespace() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
for p in $pid_a $pid_b $pid_c; do
	eventually in_namespace $p || bail_out "no namespace for $p"
done

export NSEMIG_CONFIG=$work/conf
: >"$NSEMIG_CONFIG"
unset NO_COLOR
out=$work/out err=$work/err
# run HOST ARG...: nsemig there; its status is $rc, its output is $out and $err.
run()
{
	local host=$1

	shift
	"$host" "$NSEMIG" "$@" >"$out" 2>"$err"
	rc=$?
}
count() { "$1" conntrack -C; }
entry() { A conntrack -I "$@" >/dev/null 2>&1 || bail_out "conntrack -I $*"; }

A ip link add v0 type veth peer name v0 netns $pid_b
A ip addr add 192.0.2.1/24 dev v0
A ip addr add 2001:db8::1/64 dev v0 nodad
B ip addr add 192.0.2.2/24 dev v0
B ip addr add 2001:db8::2/64 dev v0 nodad
for host in A B C; do
	$host ip link set lo up
	[ $host = C ] || $host ip link set v0 up
	$host nft add table inet t
	$host nft add chain inet t c '{ type filter hook output priority 0; }'
	$host nft add rule inet t c ct state new counter accept
	$host nft add chain inet t n '{ type nat hook postrouting priority 100; }'
done
mkfifo "$work/open"
exec {hold}<>"$work/open"
# Not by way of the functions: the job has to be the program, which is killed.
nsenter -t $pid_b -n ncat -lk 192.0.2.2 80 <"$work/open" >/dev/null &
nsenter -t $pid_b -n ncat -lk 2001:db8::2 80 <"$work/open" >/dev/null &
b_listens() { [ "$(B ss -Hltn 'sport = :80' | wc -l)" = 2 ]; }
eventually b_listens || bail_out "the servers do not listen"
# Two connections that stay open and one datagram nobody answers.
nsenter -t $pid_a -n ncat 192.0.2.2 80 <"$work/open" >/dev/null &
nsenter -t $pid_a -n ncat 2001:db8::2 80 <"$work/open" >/dev/null &
A bash -c 'echo >/dev/udp/192.0.2.2/53'
three() { [ "$(A conntrack -L 2>/dev/null | grep -c 'ESTABLISHED\|udp')" = 3 ]; }
eventually three ||
	bail_out "the connections are not tracked: $(A conntrack -L 2>&1 | tr '\n' ';')"
# It would expire during a slow run.
A conntrack -U -p udp -d 192.0.2.2 -t 5000 >/dev/null 2>&1
entry -s 192.0.2.1 -d 198.51.100.7 -p tcp --sport 4711 --dport 443 --state ESTABLISHED \
	-t 5000 -u SEEN_REPLY,ASSURED -m 7
entry -s 192.0.2.1 -d 198.51.100.7 -p udp --sport 4711 --dport 53 -t 5000 -w 7
entry -s 203.0.113.9 -d 198.51.100.7 -p udp --sport 9 --dport 9 -t 5000
entry -s 192.0.2.1 -d 198.51.100.8 -p udp --sport 5 --dport 5 -t 5000 --src-nat 203.0.113.1

# --- the command line itself
run A; is $rc 2 "no command is a usage error"
run A snapshto; is $rc 2 "an unknown command is a usage error"
like "$(cat "$err")" "did you mean 'snapshot'" "and the right one is suggested"
run A --version; is "$rc $(cut -d' ' -f1 "$out")" "0 nsemig" "--version"
# Of wrong usage the message names what is wrong, what was probably meant, and the help.
misused()
{
	local what=$1 near=$2

	shift 2
	run C "$@"
	is "$rc" 2 "$*: exit status"
	like "$(cat "$err")" "^nsemig: $1: .*$what.*$near" "$*: names it, and what is near"
	like "$(cat "$err")" "nsemig help $1'" "$*: and the help"
}
for c in $("$NSEMIG" help --commands | cut -f1); do
	misused "--quite" "--(no-)?quiet" "$c" --quite
	misused "--nothing-like-it" "" "$c" --nothing-like-it
done
misused "--timeout" "from 1 to 3600" migrate --timeout soon vm1 host
misused "--progress" "auto, never, json" migrate --progress=often vm1 host
misused "behind vm1" "Usage: nsemig migrate .*DOMAIN" migrate vm1
misused "'c'" "Usage: nsemig diff .*A B" diff a b c
misused "mirgate" "'migrate'" help mirgate
run C mirgate
like "$rc $(cat "$err")" "^2 .*'mirgate'; did you mean 'migrate'.*'nsemig help'" "a misspelt command"
run C show
like "$rc $(cat "$err")" "^2 .*DOMAIN.*nsemig help COMMAND" "nothing to show: what can be, and the help"
for c in $("$NSEMIG" help --commands | cut -f1); do
	run A "$c" -h
	is "$rc $(head -n 1 "$out" | cut -d' ' -f1-3)" "0 Usage: nsemig $c" "$c -h"
	run A "$c" --list-options
	is "$rc $(head -n 1 "$out" | cut -f1)" "0 operands" "$c tells completions its options"
	run A "$c" --bogus
	is $rc 2 "$c refuses an unknown option"
	[ -e "$top/man/nsemig-$c.8" ] || continue
	undocumented=
	for o in $("$NSEMIG" help --options "$c" | awk -F'\t' '$1 == "option" { print $2 }'); do
		grep -qe "Fl.* -\?${o#-}\b" "$top/man/nsemig-$c.8" "$top/man/nsemig.8" ||
			undocumented+="$o "
	done
	is "$undocumented" "" "every option of $c is in its manual"
done
mkdir "$work/bin"
printf '#!/bin/sh\necho "got $*"\n' >"$work/bin/nsemig-extra"
chmod 755 "$work/bin/nsemig-extra" "$work"
PATH=$work/bin:$PATH run A extra a b
is "$rc $(cat "$out")" "0 got a b" "nsemig-NAME on PATH is a command"
for c in 'snapshot --all' 'apply x' 'purge --all'; do
	# shellcheck disable=SC2086
	setpriv --reuid 65534 --clear-groups "$NSEMIG" $c >"$out" 2>"$err" </dev/null
	is "$? $(grep -o CAP_NET_ADMIN "$err")" "3 CAP_NET_ADMIN" "$c without privileges"
done

# --- snapshot
run A snapshot --addr 192.0.2.1 -v -o "$work/a.nsc"
is $rc 0 "snapshot --addr"
like "$(cat "$err")" "conntrack: 5 records" "-v counts"
is "$(stat -c %a "$work/a.nsc")" 600 "the file is private"
run A snapshot --all
cp "$out" "$work/all.nsc"
is "$rc $(A "$NSEMIG" show --json "$work/all.nsc" | jq -c '[.records[].engine] |
	[index("nft") != null, (map(select(. != "nft")) | length)]')" "0 [true,$(count A)]" \
	"snapshot --all to a pipe has everything"
run A snapshot --all -e conntrack,expect
cp "$out" "$work/all.nsc"
run A snapshot --zone 7 -o "$work/zone.nsc"
is "$("$NSEMIG" show --json "$work/zone.nsc" | jq -c '[.records[].key.zone]')" "[7]" \
	"snapshot --zone"
script -qec "nsenter -t $pid_a -n $NSEMIG snapshot --all" /dev/null >"$out" 2>&1 </dev/null
is "$? $(grep -o 'not written to a terminal' "$out")" "2 not written to a terminal" \
	"a terminal gets no stream"
run A snapshot; is $rc 2 "snapshot of nothing is a usage error"
run A snapshot --addr 192.0.2.256; is $rc 2 "a bad address is a usage error"
run A snapshot --vif nosuch0; is $rc 3 "an unknown interface fails"
run A snapshot nobody -o "$work/x.nsc"; is $rc 3 "an unknown domain fails"
like "$(cat "$err")" "no domain 'nobody'" "and is named"
run A snapshot --all -o /dev/full; is $rc 3 "a full disk fails"
run A snapshot --all -o "$work/no/such"; is $rc 3 "a missing directory fails"
[ -z "$(ls "$work"/x.nsc* 2>/dev/null)" ]; ok $? "and leave no file"
run A snapshot --all -o /dev/null
is "$rc $(stat -c %F /dev/null)" "0 character special file" "-o /dev/null stays a device"

# --- domains
printf '[domain vm1]\naddresses = 192.0.2.1\n[domain vm2]\nvifs = v9\n' >"$NSEMIG_CONFIG"
run A snapshot vm1 -o "$work/vm1.nsc"
is "$rc $("$NSEMIG" show --json "$work/vm1.nsc" | jq -r '.scope.domain.name')" "0 vm1" \
	"a configured domain"
run A snapshot nobody
like "$rc $(cat "$err")" "3 .*there are: vm1, vm2" "the domains that exist are named"
run A snapshot vm2
like "$rc $(cat "$err")" "3 .*no address is known for domain vm2.*--addr" \
	"a domain without address fails and says what to do"
cat >"$work/platform" <<'END'
#!/bin/sh
case $1 in
list) echo '[{"name":"lab1","id":4,"addresses":["192.0.2.1"]}]' ;;
describe)
	[ "$2" = lab1 ] || [ "$2" = 4 ] || exit 1
	echo '{"name":"lab1","id":4,"addresses":["192.0.2.1"]}' ;;
esac
END
chmod 755 "$work/platform"
run A show --platform "script:$work/platform" --json 4
is "$rc $(jq -r '.scope.domain.name' "$out")" "0 lab1" "a platform's domain by its id"
run A show --platform "script:$work/platform" nobody
is $rc 3 "one that the platform does not have"
B ping -c 1 -W 2 192.0.2.1 >/dev/null
A conntrack -D -p icmp >/dev/null 2>&1
run B show --vif v0 --json
is "$rc $(jq -r '.scope.domain.addresses | index("192.0.2.1") != null' "$out")" "0 true" \
	"the addresses behind a vif are learnt from the kernel"
echo 'bogus = 1' >"$NSEMIG_CONFIG"
run A snapshot --all
like "$rc $(cat "$err")" "3 .*$NSEMIG_CONFIG:1:" "a bad configuration names file and line"
: >"$NSEMIG_CONFIG"

# --- show
run A show "$work/a.nsc"
is $rc 0 "show"
like "$(cat "$out")" "PROTO +STATE +SOURCE" "has a table"
like "$(cat "$out")" "\[2001:db8::1\]|192.0.2.1:4711" "with the entries"
run A show --json "$work/all.nsc"
jq -e '.format == 1 and (.records | length > 5) and (.taken | fromdate? // true)' \
	"$out" >/dev/null
ok $? "show --json is JSON with its format"
cp "$out" "$work/json1"
"$NSEMIG" show --json - <"$work/all.nsc" | cmp -s - "$work/json1"
ok $? "and the same from stdin"
run A show --json --filter 'dport=443 and mark=7' "$work/all.nsc"
is "$(jq -r '.records[].key.sport' "$out")" 4711 "--filter"
run A show --json --addr 203.0.113.9 "$work/all.nsc"
is "$(jq -r '.records[].key.src' "$out")" 203.0.113.9 "options of the scope choose from a file"
run A show --json -e expect "$work/all.nsc"
is "$(jq '.records | length' "$out")" 0 "-e expect leaves the entries out"
run A show --filter 'dport=' "$work/a.nsc"; is $rc 2 "a bad filter is a usage error"
run A show "$work/nosuch"; is $rc 3 "a missing file fails"
run A show --color=always -s "$work/vm1.nsc"
like "$(cat "$out")" $'\033' "--color=always"
[[ $("$NSEMIG" show -s "$work/vm1.nsc") != *$'\033'* ]]; ok $? "no colour in a pipe"

# --- bad files: whatever is wrong with them, nothing is taken for good
size=$(stat -c %s "$work/a.nsc")
bad=
for ((i = 0; i < size; i++)); do
	head -c "$i" "$work/a.nsc" >"$work/cut"
	"$NSEMIG" show --json "$work/cut" >"$out" 2>"$err"
	[ $? = 3 ] && [ ! -s "$out" ] || bad+="$i "
done
is "$bad" "" "a file cut at any of its $size bytes fails and shows nothing"
python3 - "$work/a.nsc" "$work/flip" "$NSEMIG" >"$out" <<'END'
import subprocess, sys
data = open(sys.argv[1], "rb").read()
for i in range(len(data)):
    b = bytearray(data)
    b[i] ^= 1 << (i % 8)
    open(sys.argv[2], "wb").write(b)
    r = subprocess.run([sys.argv[3], "show", "--json", sys.argv[2]], capture_output=True)
    if r.returncode != 3 or r.stdout:
        print(i, end=" ")
END
is "$(cat "$out")" "" "so does one with a flipped bit in any byte"
echo x >>"$work/cut"
head -c 100000 /dev/urandom >"$work/noise"
run C apply "$work/noise"; is "$rc $(count C)" "3 0" "apply of noise does nothing"
head -c $((size - 3)) "$work/a.nsc" >"$work/cut"
run C apply "$work/cut"; is "$rc $(count C)" "3 0" "apply of a cut file does nothing"
run C purge "$work/cut"; is $rc 3 "purge of a cut file fails"

# --- diff
run A diff "$work/a.nsc" "$work/a.nsc"; is "$rc $(cat "$out")" "0 " "diff of equals"
run A diff "$work/a.nsc" @; is $rc 0 "diff with the live host in the file's scope"
A conntrack -U -s 192.0.2.1 -p tcp --sport 4711 -m 9 >/dev/null 2>&1
A conntrack -D -s 192.0.2.1 -p udp --sport 4711 -w 7 >/dev/null 2>&1
entry -s 192.0.2.1 -d 198.51.100.9 -p udp --sport 1 --dport 2 -t 5000
run A diff "$work/a.nsc" @
is $rc 1 "diff finds a difference"
like "$(cat "$out")" $'\n-   mark: 7\n\\+   mark: 9' "the field that changed"
like "$(cat "$out")" $'\n@@ conntrack entry @@\n' "below the name of the kind"
like "$(cat "$out")" $'\n- udp 192.0.2.1:4711 .*zone=7' "what is gone"
like "$(cat "$out")" $'\n\\+ udp 192.0.2.1:1 ' "what is new"
run A diff --stat "$work/a.nsc" @
like "$(cat "$out")" "total: 1 added, 1 removed, 1 changed, [0-9]+ equal" "diff --stat"
run A diff --json "$work/a.nsc" @
is "$rc $(jq -c '[.added, .removed, .changed, (.changes | length)]' "$out")" "1 [1,1,1,3]" \
	"diff --json"
run A diff --delta -o "$work/delta" "$work/a.nsc" @
is "$rc $(stat -c %a "$work/delta")" "1 600" "diff --delta"
run A show "$work/delta"; is $rc 3 "a delta is no snapshot"
run A diff "$work/a.nsc"; is $rc 2 "one side is a usage error"
run A diff - -; is $rc 2 "stdin twice is a usage error"
run A diff --json --stat "$work/a.nsc" @; is $rc 2 "two forms are a usage error"
run A diff "$work/a.nsc" "$work/cut"; is $rc 3 "diff with a cut file fails"
run A diff "$work/a.nsc" @nobody; is $rc 3 "diff with an unknown domain fails"

# --- apply
run C apply -n "$work/all.nsc"
n=$("$NSEMIG" show --json "$work/all.nsc" | jq '.records | length')
is "$rc $(cat "$out") $(count C)" "0 dry run: $n created, 0 kept, 0 refused 0" "apply --dry-run"
run C apply "$work/all.nsc"
is "$rc $(cat "$out") $(count C)" "0 $n created, 0 kept, 0 refused $n" "apply"
run C diff -e conntrack,expect "$work/all.nsc" @; is $rc 0 "all of it is there"
run C apply --json "$work/all.nsc"
is "$rc $(jq -c '[.result, .created, .kept]' "$out")" "0 [\"applied\",0,$n]" \
	"a second time everything is kept"
C conntrack -F 2>/dev/null
# In the way: the NAT's reply tuple belongs to another connection here.
C conntrack -I -s 198.51.100.8 -d 203.0.113.1 -p udp --sport 5 --dport 5 -t 5000 >/dev/null 2>&1
run C apply "$work/all.nsc"
is "$rc $(count C)" "3 1" "a clash takes everything back"
like "$(cat "$err")" "refused: conntrack entry udp 192.0.2.1:5" "and is named"
run C apply --json "$work/all.nsc"
is "$rc $(jq -c '[.result, .created, .refused, (.refusals | length)]' "$out")" \
	'3 ["undone",0,1,1]' "also in JSON"
run C apply --dry-run "$work/all.nsc"
is "$rc $(count C)" "3 1" "a dry run foresees it"
run C apply --best-effort "$work/all.nsc"
is "$rc $(cat "$out")" "1 $((n - 1)) created, 0 kept, 1 refused" "--best-effort keeps the rest"
C conntrack -F 2>/dev/null
run C apply --map-zone 7=12 --map-addr 192.0.2.1=192.0.2.99 "$work/zone.nsc"
run C show --json --all -e conntrack
is "$rc $(jq -r '.records[].key | "\(.src) \(.zone)"' "$out")" "0 192.0.2.99 12" \
	"relocation of zone and address"
run C apply --map-zone 7 "$work/zone.nsc"; is $rc 2 "a bad mapping is a usage error"
C conntrack -F 2>/dev/null
run C apply --settle 1 "$work/a.nsc"
is "$rc $("$NSEMIG" show --json "$work/a.nsc" | jq '.records | length')" "0 $(count C)" \
	"apply --settle"
run C diff "$work/a.nsc" @; is $rc 0 "leaves the exact flags behind"
C conntrack -F 2>/dev/null
# A table with room for two more: the kernel refuses the third. It is filled, for its
# limit is the whole machine's.
C "$helpers/flood" fill 2 >/dev/null || bail_out "the table does not become full"
have=$(count C)
run C apply "$work/all.nsc"
is "$rc $(count C)" "3 $have" "a full table takes everything back"
like "$(cat "$err")" "table is full|nf_conntrack_max" "and says so"
C conntrack -F 2>/dev/null

# --- purge
run C apply "$work/all.nsc"
run C purge -n "$work/a.nsc"
like "$rc $(cat "$out") $(count C)" "0 dry run: 5 removed, .* $n" "purge --dry-run"
run C purge "$work/a.nsc"
is "$rc $(cat "$out") $(count C)" \
	"0 5 removed, 0 absent, 0 kept for a local end, 0 refused $((n - 5))" \
	"purge removes what the file holds and nothing else"
run C purge --json "$work/a.nsc"
is "$rc $(jq -c '[.removed, .absent]' "$out")" "0 [0,5]" "a second time it is not there"
run C purge --addr 203.0.113.9
is "$rc $(count C)" "0 $((n - 6))" "purge of a scope"
C conntrack -F 2>/dev/null
run C apply "$work/all.nsc"
printf '[domain vm1]\naddresses = 192.0.2.1\n[domain vm2]\naddresses = 192.0.2.2\n' \
	>"$NSEMIG_CONFIG"
local_end=$(C conntrack -L 2>/dev/null | grep -c 'src=192.0.2.1 dst=192.0.2.2')
run C purge vm1
like "$rc $(cat "$out")" "0 .* $local_end kept for a local end" "flows with a local end stay"
is "$(C conntrack -L 2>/dev/null | grep -c 'src=192.0.2.1 dst=192.0.2.2')" "$local_end" \
	"they are still there"
run C purge; is $rc 2 "purge of nothing is a usage error"
run C purge nobody; is $rc 3 "purge of an unknown domain fails"

# --- a signal leaves no file
C conntrack -F 2>/dev/null
python3 - >"$work/many" <<'END'
for i in range(100000):
    print("-A -t 5000 -u SEEN_REPLY,ASSURED -s 10.%d.%d.1 -d 10.9.9.9 -r 10.9.9.9 -q 10.%d.%d.1"
          " -p udp --sport %d --dport 53 --reply-port-src 53 --reply-port-dst %d"
          % (i >> 8 & 255, i & 255, i >> 8 & 255, i & 255, 1000 + (i >> 16), 1000 + (i >> 16)))
END
C conntrack -R "$work/many" >/dev/null 2>&1
mkdir "$work/dir"
appeared() { [ -n "$(ls "$work/dir")" ]; }
for try in 1 2 3 4 5; do
	rm -f "$work"/dir/*
	nsenter -t $pid_c -n "$NSEMIG" snapshot --all -o "$work/dir/s.nsc" 2>"$err" &
	pid=$!
	eventually appeared
	kill -INT $pid 2>/dev/null
	wait $pid
	rc=$?
	[ $rc = 0 ] || break
done
if [ $rc = 0 ]; then
	skip "a signal during a snapshot" "it was too fast"
else
	is "$rc $(ls "$work/dir")" "3 " "a snapshot that is interrupted leaves nothing"
fi

done_testing
