#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two domains share the tables of host A; one of them, web1, goes to host B where
# a third one lives. Only what is web1's moves, and lives on with its counters,
# quotas and timeouts; nobody else's rule, element or counter is touched.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nft.sh"
e2e_start
need_nsemig
out=$work/out err=$work/err
. "$(dirname "$0")/nft_domains.sh"

# --- what belongs to web1
fill A skeleton web1_rules db1_rules web1_anchor db1_anchor
at_host A snapshot web1 -e nft -o "$work/web1.nsc"
is $rc 0 "snapshot of one domain" || diag "$(cat "$err")"
is "$(what chain "$work/web1.nsc")" "web1_from web1_to" "its chains" ||
	diag "$("$NSEMIG" show "$work/web1.nsc")"
is "$(what object "$work/web1.nsc")" "web1_in web1_month web1_out" "its counters and quota"
like "$(what set "$work/web1.nsc")" "web1_blocked web1_meter web1_rate" "its sets and meter"
is "$(what need-table "$work/web1.nsc")" filter "it needs the table"
like "$(what need-chain "$work/web1.nsc")" "common forward" "the shared chains"
like "$(what need-set "$work/web1.nsc")" "from_vif spoof to_addr" "and the shared maps"
"$NSEMIG" show --json "$work/web1.nsc" | grep -q 'db1\|vif5\.10\|192\.0\.2\.5"'
isnt $? 0 "nothing of db1's is among it"

# --- it arrives
fill B skeleton mail1_rules mail1_anchor
before_b=$(others_of B mail1)
ns_raw B "$work/before_b"
at_host B apply --dry-run --map-vif vif5.1=vif9.1 "$work/web1.nsc"
is $rc 0 "a dry run at the target" || diag "$(cat "$err")"
unchanged B "$work/before_b" "changes nothing"
a_at=$(now_ms) a_ms=$(remaining A web1_blocked 198.51.100.1)
at_host A snapshot web1 -e nft -o "$work/web1.nsc"
at_host B apply --map-vif vif5.1=vif9.1 "$work/web1.nsc"
is $rc 0 "apply" || diag "$(cat "$err")"
b_ms=$(remaining B web1_blocked 198.51.100.1) b_at=$(now_ms)
same "$(others_of B mail1)" "$before_b" "what was there is untouched"
drift=$((a_ms - b_ms - (b_at - a_at)))
[ ${drift#-} -lt 1000 ]
ok $? "a timeout goes on: $drift ms off"
for o in 'counter inet filter web1_in' 'counter inet filter web1_out' 'quota inet filter web1_month' \
	'set inet filter web1_blocked' 'set inet filter web1_rate' 'chain inet filter web1_from' \
	'chain inet filter web1_to'; do
	# shellcheck disable=SC2086
	same "$(listing B $o)" "$(listing A $o)" "$o is what it was, values too"
done
is "$(ns B nft list map inet filter from_vif | grep -o '"[^"]*" : jump web1_from' | sort | xargs)" \
	"vif9.1 : jump web1_from vif9.1-emu : jump web1_from" "its interface has the name that it has here"
is "$(ns B nft list set inet filter spoof | grep -c 'vif9.1" . 00:16:3e:00:00:51 . 192.0.2.51')" 1 \
	"in concatenations, too"
ns B nft list ruleset | grep -q 'vif5\.'
isnt $? 0 "the old name is nowhere"
is "$(ns B nft list chain inet filter forward | grep -nE 'vif9.1|vif6.0' | cut -d: -f1 | xargs)" \
	"6 7" "its rule of the shared chain stands where it stood" ||
	diag "$(ns B nft list chain inet filter forward)"
like "$(ns B nft list chain inet filter forward)" '"vif9.1" ip daddr 198.51.100.99 counter packets 9 bytes 99 drop' \
	"with its counter"
echo "$web1_at_b" >"$work/domainsB/web1"
ns_raw B "$work/after_b"
at_host B apply --json --map-vif vif5.1=vif9.1 "$work/web1.nsc"
is "$rc $(jq -c .created "$out")" "0 0" "a second time there is nothing to do" || diag "$(cat "$err")"
unchanged B "$work/after_b" "and nothing is doubled"

# --- and leaves
before_a=$(others_of A db1)
at_host A purge web1 -e nft
is $rc 0 "purge at the source" || diag "$(cat "$err")"
same "$(others_of A db1)" "$before_a" "db1's rules, elements and counters are untouched"
ns A nft list ruleset | grep -q 'web1\|vif5\.1[^0]\|192\.0\.2\.51'
isnt $? 0 "nothing of web1's is left" || diag "$(ns A nft list ruleset)"
fill C skeleton db1_rules db1_anchor
same "$(listing A ruleset | in_any_order)" "$(listing C ruleset | in_any_order)" \
	"the source is as if it had never been there"
at_host B purge web1 -e nft
is $rc 0 "purge at the target of what had come" || diag "$(cat "$err")"
unchanged B "$work/before_b" "leaves what was there before"

# --- neighbours: an address between two others, in intervals that touch
neighbours()
{
	cat <<-END
	table inet near {
		map verdicts { type ipv4_addr : verdict; flags interval; elements = { 192.0.2.50 : drop, $1 192.0.2.52 : accept }; }
		set timed { type ipv4_addr; flags interval,timeout; elements = { 192.0.2.50 timeout 1h, $2 192.0.2.52 timeout 3h }; }
		set pairs { type ipv4_addr . inet_service; flags interval; elements = { $3 192.0.2.0/24 . 100, 192.0.2.52 . 80-90 }; }
		set merged { type ipv4_addr; flags interval; auto-merge; elements = { 192.0.2.50-192.0.2.52 }; }
		chain web1_near { accept; }
		chain c {
			ip daddr vmap @verdicts
			ip saddr @timed
			ip saddr . tcp dport @pairs accept
			ip saddr @merged accept
			ip saddr != 192.0.2.51 accept
			ip saddr 192.0.2.48/28 accept
		}
	}
	END
}
neighbours_with() { neighbours '192.0.2.51 : jump web1_near,' '192.0.2.51 timeout 2h,' '192.0.2.51 . 80-90,'; }
neighbours_without() { neighbours '' '' '' | sed '/web1_near/d'; }
fill A neighbours_with
fill B neighbours_without
fill C neighbours_without
at_host A snapshot --addr 192.0.2.51 -e nft -o "$work/near.nsc"
at_host B apply "$work/near.nsc"
is $rc 0 "an address between its neighbours" || diag "$(cat "$err")"
same "$(listing B ruleset | in_any_order)" "$(listing A ruleset | in_any_order)" \
	"stands there as it stood"
at_host A purge --addr 192.0.2.51 -e nft
same "$rc $(listing A ruleset)" "0 $(listing C ruleset)" "and leaves its neighbours"
at_host B purge "$work/near.nsc"
same "$rc $(listing B ruleset)" "0 $(listing C ruleset)" "there, too"

# --- an element that a rule has given more time than its set gives: the kernel
# keeps no timeout of its own for it, but goes by what is left
long_lived()
{
	cat <<-END
	table inet filter {
		set web1_blocked { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 10; elements = { 127.0.0.1 }; }
		chain output { type filter hook output priority 0; policy accept; update @web1_blocked { ip daddr timeout 3h }; }
	}
	END
}
fill A long_lived
ns A ip link set lo up
ns A bash -c 'echo hello >/dev/udp/127.0.0.1/9' 2>/dev/null
ns A ip link set lo down
a_at=$(now_ms) a_ms=$(remaining A web1_blocked 127.0.0.1)
at_least "$a_ms" 10000000 "a rule makes an element outlive its timeout"
at_host A snapshot --table inet:filter -e nft -o "$work/long.nsc"
ns_new B
at_host B apply "$work/long.nsc"
is $rc 0 "it can go" || diag "$(cat "$err")"
b_ms=$(remaining B web1_blocked 127.0.0.1) b_at=$(now_ms)
drift=$((a_ms - b_ms - (b_at - a_at)))
[ ${drift#-} -lt 1000 ]
ok $? "and has as long as it had: $drift ms off"
at_host B apply --json "$work/long.nsc"
is "$rc $(jq -c .created "$out")" "0 0" "a second time it is kept" || diag "$(cat "$err")"

# --- the example of contrib/nft
example=$top/contrib/nft/dom0.nft
sed '/ct state/d' "$example" >"$work/dom0.nft"
ns_new A
ns A nft -f "$example" 2>/dev/null || {
	diag "this kernel does not track what is bridged: the example goes without ct state"
	ns A nft -f "$work/dom0.nft"
}
ok $? "the example loads"
domain web1 5 0 00:16:3e:00:00:10 192.0.2.10 2001:db8::10 >"$work/domainsC/web1"
domain db1 6 0 00:16:3e:00:00:11 192.0.2.11 2001:db8::11 >"$work/domainsC/db1"
ns A nft list ruleset >"$work/example"
NSEMIG_CONFIG=$work/confC nsemig_at A snapshot web1 -e nft -o "$work/example.nsc"
is "$rc $(what chain "$work/example.nsc") $(what object "$work/example.nsc") $(what set "$work/example.nsc")" \
	"0 web1_from web1_to web1_in web1_month web1_out web1_blocked web1_syn" "and says whose is what" ||
	diag "$(cat "$err")"
is "$("$NSEMIG" show --json "$work/example.nsc" | jq '[.records[] | select(.type == "element" and
	(.key.set | IN("spoof", "from_vif", "to_vif")))] | length')" 5 "with its elements of the shared sets"
NSEMIG_CONFIG=$work/confC nsemig_at A purge web1 -e nft
is "$rc $(ns A nft list ruleset | grep -c 'web1\|vif5')" "0 0" "web1 goes"
NSEMIG_CONFIG=$work/confC nsemig_at A purge db1 -e nft
is "$rc $(ns A nft list ruleset | grep -c 'db1\|vif6')" "0 0" "and db1, and leave the skeleton:"
like "$(ns A nft list chain bridge filter forward)" 'iifname vmap @from_vif.*goto deliver' "the dispatch"

# --- everything that is shared, too
fill A skeleton web1_rules db1_rules web1_anchor db1_anchor
ns_new B
at_host A snapshot web1 --carry-shared -e nft -o "$work/carry.nsc"
is $rc 0 "snapshot --carry-shared" || diag "$(cat "$err")"
at_host B apply --map-vif vif5.1=vif9.1 "$work/carry.nsc"
is $rc 0 "goes where there is nothing" || diag "$(cat "$err")"
fill C skeleton web1_at_b_rules web1_at_b_anchor
same "$(listing B ruleset | in_any_order)" "$(listing C ruleset | in_any_order)" \
	"and is web1's and the skeleton"
at_host A purge -e nft "$work/carry.nsc"
is $rc 0 "purge of what was carried" || diag "$(cat "$err")"
fill C skeleton db1_rules db1_anchor
same "$(listing A ruleset | in_any_order)" "$(listing C ruleset | in_any_order)" \
	"leaves what others use"

# --- a ruleset that changes while it is read
fill A skeleton
ns A nft -f - <<'END'
table inet moving {
	set s { type mark; }
	map m { type mark : verdict; }
	chain other { }
	chain c { }
}
END
# Each generation is of one number: in two rules, an element, a map and a chain.
for ((i = 1; i < 200000; i++)); do
	cat >"$work/step" <<-END
	flush chain inet moving c
	flush set inet moving s
	flush map inet moving m
	add rule inet moving c meta mark $i accept
	add rule inet moving c ip saddr { 192.0.2.1, 192.0.2.2 } meta mark { $i, 4294967295 } drop
	add element inet moving s { $i }
	add element inet moving m { $i : jump other }
	END
	nsenter -t "${ns_pid[A]}" -n nft -f "$work/step" || break
done &
mover=$!
moved() { [ -n "$(ns A nft list chain inet moving c | grep mark)" ]; }
eventually moved
bad="" seen=""
for ((n = 0; n < 30; n++)); do
	at_host A snapshot --table inet:moving -e nft -o "$work/moving.nsc"
	[ $rc = 0 ] || bad+="$(cat "$err") "
	ns_new C
	at_host C apply "$work/moving.nsc"
	[ $rc = 0 ] || bad+="$(cat "$err") "
	marks=$(ns C nft -n list table inet moving | grep -o '0x[0-9a-f]*' | grep -v 0xffffffff | sort | uniq -c | xargs)
	[[ $marks =~ ^4\ 0x[0-9a-f]+$ ]] || bad+="[$marks] "
	seen+="$marks"$'\n'
done
kill $mover 2>/dev/null
wait $mover 2>/dev/null
is "$bad" "" "30 snapshots of a moving ruleset are each of one generation"
at_least "$(sort -u <<<"$seen" | wc -l)" 10 "and of many different ones"

# --- names in every place where one can hide
ns_new A
ns A nft -f - <<'END'
table inet names {
	set plain { type ifname; elements = { "vif5.0", "vif5.1", "vif5.10", "vif5.1-emu" }; }
	set pairs { type ifname . ifname; elements = { "vif5.1" . "eth0", "eth0" . "vif5.1", "vif5.10" . "eth0" }; }
	set ranges { type ipv4_addr . ifname . inet_service; flags interval; elements = { 192.0.2.0/24 . "vif5.1" . 22-23 }; }
	set single { type ifname; flags interval; elements = { "vif5.1", "vif5.10" }; }
	map data { type ipv4_addr : ifname; elements = { 192.0.2.1 : "vif5.1", 192.0.2.2 : "vif5.10" }; }
	map verdicts { type ifname : verdict; elements = { "vif5.1" : accept, "vif5.10" : drop }; }
	chain c {
		type filter hook forward priority filter; policy accept;
		iifname "vif5.1" accept
		oifname != "vif5.1" accept
		iifname "vif5.10" oifname "vif5.1-emu" accept
		iifname @plain oifname @single accept
		iifname . oifname @pairs accept
		ip saddr . iifname . tcp dport @ranges accept
		iif "vif5.1" oif "vif5.10" accept
		iif { "vif5.1", "vif5.10" } accept
		iifname vmap @verdicts
		fib saddr oifname "vif5.1" accept
		iifname { "vif5.1", "vif5.10" } accept
	}
	chain ingress { type filter hook ingress device "vif5.1" priority 0; policy accept; }
}
table netdev names {
	chain ingress {
		type filter hook ingress devices = { "vif5.1", "vif5.10" } priority 0; policy accept;
		fwd to "vif5.1"
	}
}
END
at_host A snapshot --table inet:names --table netdev:names -e nft -o "$work/names.nsc"
is $rc 0 "snapshot of names" || diag "$(cat "$err")"
ns_new B
at_host B apply --map-vif vif5.1=vif9.1 "$work/names.nsc"
is $rc 0 "apply with another name" || diag "$(cat "$err")"
same "$(listing B ruleset | in_any_order)" \
	"$(listing A ruleset | sed -E 's/"vif5\.1(-emu)?"/"vif9.1\1"/g' | in_any_order)" \
	"every place has the new name, and only those"

for h in A B C; do
	ns_end $h
done
done_testing
