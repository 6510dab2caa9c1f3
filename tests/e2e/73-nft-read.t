#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Reading rules: show prints what nft(8) lists, and why it is in; diff compares
# chains as diff(1) would.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nft.sh"
e2e_start
need_nsemig

export NSEMIG_CONFIG=$work/conf
: >"$NSEMIG_CONFIG"
out=$work/out err=$work/err

ns_new A
ns A nft -f - <<END
table inet fw {
	counter total { }
	set blocked { type ipv4_addr; comment "whom nobody wants"
		elements = { 192.0.2.66 comment "x", 203.0.113.9 }
	}
	set nets { type ipv4_addr; flags interval
		elements = { 10.0.0.0/8, 192.0.2.1-192.0.2.7 }
	}
	map dispatch { type ifname : verdict
		elements = { "vif5.0" : jump web1, "vif5.1" : jump web2 }
	}
	chain web1 {
		ip saddr @blocked drop
		tcp dport { 22, 80 } counter packets 4 bytes 5 accept comment "ssh"
		counter name total
	}
	chain web2 {
		ip saddr @nets counter name total accept
	}
	chain forward {
		type filter hook forward priority filter; policy accept
		ct state established accept
		iifname vmap @dispatch
		iifname "vif5.0" ip saddr 192.0.2.5 counter accept
		iifname "vif5.1" drop
	}
}
END

# has TEXT NAME: the output has a line with that text in it.
has()
{
	grep -qF -- "$1" "$out"
	ok $? "$2" || diag "$(cat "$out")"
}

# lines FILE: what stands behind the title, without remarks and room at the end.
lines()
{
	sed '1,/^Ruleset$/d; s/  *# .*//; s/[ \t]*$//' "$1"
}

# --- everything, as nft(8) would take it again
nsemig_at A show -e nft --all
is $rc 0 "show: everything" || diag "$(cat "$err")"
listing A ruleset >"$work/before"
lines "$out" >"$work/again.nft"
ns_new B
ns B nft -f "$work/again.nft" 2>"$err"
is $? 0 "nft(8) reads what is shown" || diag "$(cat "$err" "$work/again.nft")"
same "$(listing B ruleset | sort)" "$(sort "$work/before")" "and has the same ruleset then"

# --- a domain's share, and why
nsemig_at A show -e nft --vif vif5.0 --addr 192.0.2.5
is $rc 0 "show: what is an interface's"
has 'map dispatch {  # needed' "the map is needed"
has '"vif5.0" : jump web1,  # its key has vif5.0' "one of its elements is in, and why"
is "$(grep -c 'vif5\.1\|web2' "$out")" 0 "nothing is told of another one"
has 'set blocked {  # used only by rule 0 of chain inet fw web1' "a set that only it uses"
has 'counter packets 0 bytes 0 accept  # matches vif5.0' "a rule among the others'"
has 'ct state established accept  # needed' "the rules around it are needed"
nsemig_at A show --json -e nft --vif vif5.0 --addr 192.0.2.5
is "$(jq -r '.records[] | select(.key.element == "vif5.0") | .why' "$out")" "its key has vif5.0" \
	"the reason is in JSON, too"

# --- from a file there are no reasons, and another name can be tried
nsemig_at A snapshot -e nft --vif vif5.0 --addr 192.0.2.5 -o "$work/web1.nsc"
nsemig_at B show "$work/web1.nsc"
is $rc 0 "show: a file, where there is no such interface"
has 'counter total {  # needed' "dependencies are marked"
nsemig_at B show --relocate vif5.0=vif9.0 "$work/web1.nsc"
is $rc 0 "show --relocate"
has '"vif9.0" : jump web1' "the element has the other name"
has 'iifname "vif9.0" ip saddr' "so has the rule"
nsemig_at B show --relocate vif5.0=vif9.0 "$work/web1.nsc" --filter 'type=rule and chain=web1'
is "$(lines "$out" | grep -c "^		")" 3 "a filter leaves three rules" || diag "$(cat "$out")"
nsemig_at B show --relocate vif5.0 "$work/web1.nsc"
is $rc 2 "a name without a new one is wrong usage"
is "$(listing B ruleset | sort)" "$(sort "$work/before")" "the host's own rules are as they were"

# --- differences
nsemig_at A snapshot --all -e nft -o "$work/a.nsc"
ns A nft insert rule inet fw forward ct state invalid drop
ns A nft replace rule inet fw web1 handle \
	"$(ns A nft -a list chain inet fw web1 | sed -n 's/.*"ssh" # handle //p')" \
	'tcp dport { 22, 81 } counter accept comment "ssh"'
ns A nft delete element inet fw nets '{ 192.0.2.1-192.0.2.7 }'
ns A nft add element inet fw nets '{ 192.0.2.1-192.0.2.9 }'
nsemig_at A diff "$work/a.nsc" @ --all -e nft
is $rc 1 "diff: they differ"
is "$(sed 1,2d "$out")" '@@ set inet fw nets @@
- 192.0.2.1-192.0.2.7
+ 192.0.2.1-192.0.2.9
@@ chain inet fw forward @@
+ ct state invalid drop
  ct state established accept
  iifname vmap @dispatch
  iifname "vif5.0" ip saddr 192.0.2.5 counter accept
@@ chain inet fw web1 @@
  ip saddr @blocked drop
- tcp dport { 22, 80 } counter accept comment "ssh"
+ tcp dport { 22, 81 } counter accept comment "ssh"
  counter name "total"' \
	"what differs, and nothing that has only another number"
nsemig_at A diff --stat "$work/a.nsc" @ --all -e nft
has 'nft chain inet fw web1    | 2 +-' "numbers follow"
has 'total: 3 added, 2 removed, 0 changed' "and their sums"
nsemig_at A diff --json "$work/a.nsc" @ --all -e nft
is "$(jq -c '[.changes[] | (.record.type == "rule") and .change == "added"] | map(select(.)) | length' "$out")" \
	2 "and JSON"
nsemig_at A snapshot --all -e nft -o "$work/b.nsc"
nsemig_at A diff "$work/b.nsc" @ --all -e nft
is "$rc $(cat "$out")" "0 " "nothing has changed since"

# --- state counts when it is asked for
ns A nft replace rule inet fw web1 handle \
	"$(ns A nft -a list chain inet fw web1 | sed -n 's/.*"ssh" # handle //p')" \
	'tcp dport { 22, 81 } counter packets 7 bytes 8 accept comment "ssh"'
nsemig_at A diff "$work/b.nsc" @ --all -e nft
is $rc 0 "counters alone are no difference"
nsemig_at A diff --state "$work/b.nsc" @ --all -e nft
is $rc 1 "but with --state"
has '+ tcp dport { 22, 81 } counter packets 7 bytes 8 accept' "the rule with its counter"

# --- dependencies of whose own sets there is only a digest
for port in 80 81; do
	ns A nft -f - <<-END
	flush ruleset
	table inet fw {
		chain forward {
			type filter hook forward priority filter; policy accept
			tcp dport { 22, $port } accept
			iifname "vif5.0" ip saddr 192.0.2.5 accept
		}
	}
	END
	nsemig_at A snapshot -e nft --vif vif5.0 --addr 192.0.2.5 -o "$work/needs$port.nsc"
done
nsemig_at A show "$work/needs80.nsc"
has '  # what it has in braces is not here  # needed' "it is said why nft(8) does not list a rule"
nsemig_at A diff "$work/needs80.nsc" "$work/needs81.nsc"
is "$rc $(grep -c '^[-+]   digest: ' "$out")" "1 2" "they differ by it" || diag "$(cat "$out")"
has '  iifname "vif5.0" ip saddr 192.0.2.5 accept' "the rule behind is around it"

# --- extensions of iptables, whose options nft(8) does not show
if command -v iptables-nft >/dev/null; then
	ns A nft flush ruleset
	ns A iptables-nft -A FORWARD -m physdev --physdev-in vif5.0 -j ACCEPT
	nsemig_at A snapshot --all -e nft -o "$work/x.nsc"
	nsemig_at A show "$work/x.nsc"
	has '# xt: physdev' "an extension is named"
	has 'managed by iptables-nft' "what nft(8) says is passed on"
	ns A iptables-nft -R FORWARD 1 -m physdev --physdev-in vif5.1 -j ACCEPT
	nsemig_at A diff "$work/x.nsc" @ --all -e nft
	is $rc 1 "another option is a difference"
	has '+   expressions[0].info: 766966352e31' "that is told by its bytes"
else
	skip "extensions of iptables" "needs iptables-nft"
fi
ns_end A
ns_end B
done_testing
