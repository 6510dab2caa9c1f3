#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nsemig check, and that migrate heeds it: each finding is made to be the case
# on two real hosts, and vanishes when what it says mends it has been done.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe

lab_up --nat
B=root@$LAB_MGMT_B

# check ARG...: on host A; its status is $rc, its output is $work/out.
check()
{
	at A "$NSEMIG" check --identity "$LAB_IDENTITY" --known-hosts "$LAB_KNOWN_HOSTS" \
		"$@" >"$work/out" 2>"$work/err"
	rc=$?
}

# finding TEXT .FIELD: of the first one of the last check --json whose text is like
# that, about the host $where if that is set.
finding()
{
	jq -r --arg what "(?s)$1" --arg where "${where:-}" \
		"[.problems[] | select((.text | test(\$what)) and (.where | startswith(\$where)))][0] | $2" \
		"$work/out" 2>/dev/null
}
# found SEVERITY WHERE TEXT: the last check has such a finding, which $mend mends.
found()
{
	is "$(finding "$3" '[.severity, .where] | join(" ")')" "$1 $2" "$1: $3" ||
		diag "$(cat "$work/out" "$work/err")"
	mend=$(finding "$3" .mend)
}

gone()
{
	is "$(finding "$1" .text)" null "mended: $1" || diag "$(cat "$work/out" "$work/err")"
}

# fires SEVERITY WHERE TEXT [ARG...]: checks, and this is the worst that it finds.
fires()
{
	local severity=$1 where=$2 text=$3 want

	shift 3
	case $severity in
	fail) want=3 ;;
	loss) want=1 ;;
	*) want=0 ;;
	esac
	check --json vm1 "$B" "$@"
	found "$severity" "$where" "$text"
	is $rc $want "and the status says so"
}

vanishes()
{
	local text=$1

	shift
	check --json vm1 "$B" "$@"
	gone "$text"
}

# Does on a host what the last finding says, word for word.
mend_at()
{
	at "$1" bash -c "$mend" >"$work/mended" 2>&1
	ok $? "$1: $mend" || diag "$(cat "$work/mended")"
}

# --- nothing
here=$(at A uname -n)
check vm1 "$B"
is $rc 0 "nothing stands against it" || diag "$(cat "$work/out" "$work/err")"
like "$(tail -n 1 "$work/out")" "^vm1 to $B: the move would work \(0 failures, 0 losses" \
	"the last line sums it up"
is "$(cat "$work/err")" "" "findings are data: nothing is on stderr"
check -q vm1 "$B"
is "$rc $(cat "$work/out")" "0 " "-q: the status alone"
check
is $rc 0 "a host alone"
check vm1
is $rc 0 "a domain alone"
check "$B"
is $rc 0 "another host alone"
check nobody "$B"
is $rc 3 "a domain that is not there"
like "$(cat "$work/err")" "nobody" "is named"

# --- the way there
cp "$LAB_KNOWN_HOSTS" "$work/hosts"
: >"$LAB_KNOWN_HOSTS"
fires fail "$B" "host key of .* is not known"
mend_at A
vanishes "host key"
cp "$work/hosts" "$LAB_KNOWN_HOSTS"
ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
fires fail "$B" "does not let root log in" --identity "$work/stranger"
like "$mend" "ssh-copy-id .*--identity" "and says how to get in"
vanishes "log in"
fires fail "$B" "nothing was answered" --remote-command /nonexistent/nsemig
check --json vm1 "$B:1"
is "$rc $(finding refused .severity)" "3 fail" "nobody listens there"
is "$(jq -c .host "$work/out")" null "and the host has said nothing"

# --- the two hosts
cat >"$work/other" <<'END'
#!/usr/bin/env python3
# nsemig as if it were of another version: as long, so that messages stay whole.
import re, subprocess, sys
p = subprocess.Popen(["nsemig"] + sys.argv[1:], stdout=subprocess.PIPE)
while b := p.stdout.read1(65536):
    sys.stdout.buffer.write(re.sub(rb'"version":"[0-9]', b'"version":"9', b))
    sys.stdout.buffer.flush()
sys.exit(p.wait())
END
chmod 755 "$work" "$work/other"
fires note "$B" "has nsemig 9.* the other one" --remote-command "$work/other"
vanishes "the other one"
fires fail "$B" "speaks another session protocol" \
	--remote-command "printf 'nsemig-session 9\\n'; sleep 2;"
like "$mend" "install the same version" "and says what to do"
spoil() { at "$1" sysctl -qw net.netfilter.nf_conntrack_{tcp_loose,tcp_be_liberal,acct}=1 \
	net.netfilter.nf_conntrack_events=2; }
see()
{
	local s

	for s in tcp_loose=1 tcp_be_liberal=1 events=2; do
		found note "$2" "^nf_conntrack_${s%=*} is ${s#*=}:"
		mend_at "$1"
	done
}
spoil A
spoil B
check --json vm1 "$B"
for where in "$here" "$B"; do
	[ "$where" = "$B" ] && h=B || h=A
	see $h "$where"
	is "$(at $h sysctl -n net.netfilter.nf_conntrack_{tcp_loose,tcp_be_liberal,events} | xargs)" \
		"0 0 1" "$h is set up as it says"
done
where=
at A sysctl -qw net.netfilter.nf_conntrack_events=0
at B sysctl -qw net.netfilter.nf_conntrack_acct=0
check --json vm1 "$B"
gone "^nf_conntrack_tcp_loose"
gone "^nf_conntrack_tcp_be_liberal"
gone "^nf_conntrack_events is 2"
found note "$here" "^nf_conntrack_events is 0:"
mend_at A
found note "$B" "nf_conntrack_acct is 0, and 1 on the other host"
mend_at B
check --json vm1 "$B"
gone "^nf_conntrack_events"
gone "nf_conntrack_acct"

# --- the domain
conf=$LAB_STATE/hostB/nsemig.conf
cp "$conf" "$work/conf"
sed -i 's/^allow = .*/allow = 198.51.100.0\/24/' "$conf"
fires fail "$B" "does not accept the address 10.77.0.10"
cp "$work/conf" "$conf"
vanishes "does not accept"
# The platform of B tells what that of A does: the domain runs.
sed -i 's/^platform = .*/platform = script:'"${LAB_STATE//\//\\/}"'\/hostA\/platform/' "$conf"
fires fail "$B" "a domain named vm1 runs on the target already"
cp "$work/conf" "$conf"
vanishes "named vm1"
free=$(cat "$LAB_STATE/hostB/free_kib")
echo 1024 >"$LAB_STATE/hostB/free_kib"
fires fail "$B" "has 256 MiB of memory, and 1 MiB are free"
echo "$free" >"$LAB_STATE/hostB/free_kib"
vanishes "of memory"
# The bridge under another name, and an empty one as the mend makes it.
ns=nsemig-$LAB_ID-B
ip -n "$ns" link set br0 down
ip -n "$ns" link set br0 name away up
fires fail "$B" "is in the bridge br0"
mend_at B
vanishes "bridge br0"
ip -n "$ns" link del br0
ip -n "$ns" link set away down
ip -n "$ns" link set away name br0 up

# --- legacy tables
if at A iptables-legacy -A FORWARD -i vif5.0 -j ACCEPT 2>/dev/null; then
	fires loss "$here" "iptables has rules in its legacy table filter, and they name vif5.0"
	mend_at A
	vanishes "legacy table"
	like "$(at A nft list ruleset)" 'iifname "vif5.0".*accept' "the rule is nft's now"
	at A nft delete table ip filter
	at A ip6tables-legacy -t mangle -A FORWARD -d "$LAB_VM6" -j ACCEPT
	fires loss "$here" "ip6tables has rules in its legacy table mangle, .*$LAB_VM6"
	at A ip6tables-legacy -t mangle -F
	at A ip6tables-legacy -A FORWARD -d fd00::1 -j ACCEPT
	at B iptables-legacy -P FORWARD DROP
	fires note "$here" "legacy table filter: they are not carried; none names the domain"
	found note "$B" "rules or policies in its legacy table filter: the domain's packets meet"
	at A ip6tables-legacy -F
	at B iptables-legacy -P FORWARD ACCEPT
	vanishes "legacy table"
	if at A arptables-legacy -A INPUT -s "$LAB_VM4" -j DROP 2>/dev/null; then
		fires loss "$here" "arptables has rules in its legacy table filter, .*$LAB_VM4"
		# Its own save prints nothing where arptables is nft's.
		like "$mend" "arptables-legacy -t filter -L -n shows with arptables-nft" \
			"and what to do by hand"
		at A arptables-legacy -t filter -F
		vanishes "arptables"
	else
		skip "rules of arptables" "no arptables-legacy here"
	fi
else
	skip "rules in legacy tables" "this kernel has none, or there is no iptables-legacy"
fi

# --- connections
start_answer
at A nft 'add table inet labels; add chain inet labels c { type filter hook prerouting priority 0; }; add rule inet labels c tcp dport 7007 ct label set 1'
probe_start zone tcp "$LAB_VM4" 4242
probe_start labelled tcp "$LAB_VM4" 7007
probe_start dnat tcp "$LAB_NAT_OUTSIDE" 7007
flows() { [ "$(at A conntrack -L 2>/dev/null | grep -c 'tcp.*ESTABLISHED.*dport=\(4242\|7007\)')" -ge 3 ]; }
eventually flows
ok $? "there are connections"
fires loss "$B" "entries have labels"
like "$(finding labels .text)" "drops in silence" "and says what that means"
mend_at B
vanishes "entries have labels"
found note "$B" "zones are a host's own numbers.*zones: 42"
found note "$B" "marks are carried as they are.*0x77"
# Whose answers come back to where: the address is in the rules of both hosts.
found note "$B" "$LAB_NAT_OUTSIDE is none of this host's addresses yet"
like "$(finding "none of this host" .text)" \
	"\(flows: 1\).*tcp $LAB_NAT_CLIENT:[0-9]* -> $LAB_NAT_OUTSIDE:7007" "flow by flow"
at B nft flush chain inet filter zones
# A translation by an address that no rule speaks of.
at A conntrack -I -p udp -s "$LAB_VM4" -d "$LAB_CLIENT4" --sport 5000 --dport 53 \
	--src-nat 198.51.100.7 -t 300 -u SEEN_REPLY >/dev/null 2>&1
fires loss "$B" "no rule of this host gives packets a zone.*zones: 42"
found loss "$B" "198.51.100.7 is neither an address of this host nor in its rules.*5000"
like "$mend" "^ip address add 198.51.100.7 dev lo .*addresses. of \[domain vm1\]" \
	"with two ways to mend it"
at B nft add rule inet filter zones tcp dport 4242 ct zone set 42
at B ip address add 198.51.100.7/32 dev lo
check --json vm1 "$B"
gone "gives packets a zone"
gone "198.51.100.7"
at B ip address del 198.51.100.7/32 dev lo
printf '[domain vm1]\naddresses = 198.51.100.7\n' >>"$LAB_STATE/hostA/nsemig.conf"
sed -i "s/^allow = .*/& 198.51.100.7/" "$conf"
vanishes "198.51.100.7"
is $rc 0 "an address that comes with the domain is no loss"
sed -i '/^\[domain vm1\]/,$d' "$LAB_STATE/hostA/nsemig.conf"
cp "$work/conf" "$conf"
at A conntrack -D -p udp --orig-port-src 5000 >/dev/null 2>&1
at B nft delete table ip nat4
at B nft delete table inet nat
fires fail "$B" "the host has no nat chain"
mend_at B
vanishes "no nat chain"
at B nft delete table ip nat
at A nft list table inet nat >"$work/nat"
at A nft list table ip nat4 >>"$work/nat"
at B nft -f - <"$work/nat"

# The target has the other direction of one of them.
port=$(at A conntrack -L -p tcp --orig-port-dst 4242 2>/dev/null |
	sed -n 's/.*sport=\([0-9]*\) dport=4242.*/\1/p' | head -n 1)
at B conntrack -I -w 42 -p tcp -s "$LAB_VM4" -d "$LAB_CLIENT4" --sport 4242 --dport "$port" \
	--state ESTABLISHED -t 300 >/dev/null 2>&1
fires fail "$B" "tcp $LAB_CLIENT4:$port -> $LAB_VM4:4242 zone 42 is the reply direction"
mend_at B
vanishes "reply direction"

# --- rules
at A nft add rule inet filter forward ip saddr "$LAB_VM4" tcp dport 25 drop
vanishes "chain inet filter forward"
at B nft insert rule inet filter forward ip saddr 203.0.113.1 drop
fires fail "$B" "chain inet filter forward has other rules on this host.*203.0.113.1 drop"
like "$mend" "nft list chain inet filter forward on both hosts" "and where to look"
at B nft delete rule inet filter forward handle \
	"$(at B nft -a list chain inet filter forward | sed -n 's/.*203.0.113.1 .*# handle //p')"
vanishes "chain inet filter forward"
at A nft add rule bridge domains vm1_from oifname "uplink9" drop
fires note "$B" "rule .* names uplink9, which is no interface of this host"
ip -n "$ns" link add uplink9 type veth peer name uplink9p
vanishes "uplink9"
at B nft list table bridge domains >"$work/domains"
at B nft delete table bridge domains
fires fail "$B" "table bridge domains is needed, and this host does not have it"
is "$mend" "nft add table bridge domains" "and how to make it"
at B nft -f - <"$work/domains"
vanishes "is needed"

# --- how it looks
check vm1 "$B"
is "$(grep -c $'\033' "$work/out")" 0 "no colour but on a terminal"
at B nft flush chain inet filter zones
colored=$(at A env TERM=xterm script -qec "$NSEMIG check --identity $LAB_IDENTITY \
	--known-hosts $LAB_KNOWN_HOSTS vm1 $B" /dev/null </dev/null)
is "$(grep -c $'\033\\[33mloss\033\\[0m' <<<"$colored")" 1 "colour there"
check --json vm1 "$B"
is "$(jq -c '[.format, .domain, .target, .status, .counts.fail, .counts.loss, (.host | type),
	.problems[0].severity, (.problems | length) == (.counts | add)]' "$work/out")" \
	"[1,\"vm1\",\"$B\",1,0,1,\"object\",\"loss\",true]" "--json, the worst first"

# --- migrate heeds it
before=$(entries A)
migrate A B --dry-run
is $? 1 "a dry run says that something would be lost"
migrate A B
is $? 3 "so migrate does not move it"
is "$(field '[.result, (.reason | test("lose something.*gives packets a zone")), .dry_run,
	(.problems | map(select(.severity == "loss")) | length)] | @json')" \
	'["aborted",true,false,1]' "the report says why"
like "$(cat "$work/talk")" "gives packets a zone" "and so does it"
like "$(cat "$work/talk")" "\-\-force" "naming the way out"
runs_on A
ok $? "the domain runs where it ran"
same "$(entries A)" "$before" "with its entries"
is "$(entries B)" "" "and nothing is at the target"
echo 1024 >"$LAB_STATE/hostB/free_kib"
migrate A B --force
is $? 3 "--force does not move what would fail"
like "$(cat "$work/talk")" "MiB are free" "and says why"
echo "$free" >"$LAB_STATE/hostB/free_kib"
migrate A B --force
is "$? $(field .result)" "0 migrated" "--force moves what only loses" || diag "$(cat "$work/talk")"
like "$(cat "$work/talk")" "loss: .*conntrack" "the loss is told all the same"
is "$(field '.problems | map(select(.severity == "loss")) | length')" 1 "in the report, too"
runs_on B
ok $? "the domain runs there"
probe_stop labelled
ok $? "its other connections live" || diag "$(cat "$work/labelled")"
done_testing
