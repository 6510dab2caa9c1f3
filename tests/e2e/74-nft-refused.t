#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A domain's rules where they cannot go: everything is refused, the reason names
# the object, and the host is what it was.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nft.sh"
e2e_start
need_nsemig
out=$work/out err=$work/err
. "$(dirname "$0")/nft_domains.sh"

file=$work/web1.nsc
fill A skeleton web1_rules db1_rules web1_anchor db1_anchor
at_host A snapshot web1 -e nft -o "$file"
is $rc 0 "snapshot of one domain" || diag "$(cat "$err")"

# refused NAME TEXT ARG...: apply on B, which must fail and say TEXT.
refused()
{
	ns_raw B "$work/was"
	at_host B apply --map-vif vif5.1=vif9.1 "${@:3}"
	is $rc 3 "$1: refused"
	like "$(cat "$err")" "$2" "$1: and says why"
	like "$(cat "$err")" "context of .* was not applied to $(uname -n): .*as before.*\`nsemig " \
		"$1: which context, where, what is so now and what to do"
	unchanged B "$work/was" "$1: nothing is changed"
}

fill B skeleton mail1_rules mail1_anchor
ns B nft insert rule inet filter forward tcp dport 135 drop
refused "another skeleton" 'forward' "$file"
like "$(cat "$err")" '\+ .*(135|0x00008700)' "the rule that differs is shown"
diag "$(cat "$err")"
at_host B apply --anchor=first --map-vif vif5.1=vif9.1 "$file"
is $rc 0 "--anchor=first takes it" || diag "$(cat "$err")"
is "$(ns B nft list chain inet filter forward | grep -n vif9.1 | cut -d: -f1)" 4 "to the beginning"
at_host B purge "$file" >/dev/null
fill B skeleton mail1_rules mail1_anchor
ns B nft insert rule inet filter forward tcp dport 135 drop
at_host B apply --anchor=last --map-vif vif5.1=vif9.1 "$file"
is $rc 0 "--anchor=last takes it" || diag "$(cat "$err")"
is "$(ns B nft list chain inet filter forward | tail -n 3 | grep -c vif9.1)" 1 "to the end"

fill B skeleton
ns B nft delete rule inet filter forward handle \
	"$(ns B nft -a list chain inet filter forward | sed -n 's/.*@spoof.*handle //p')"
ns B nft delete set inet filter spoof
refused "a set is missing" spoof "$file"
fill B skeleton
ns B nft flush chain inet filter common
refused "a chain that is needed is another" common "$file"
fill B
refused "the table is missing" filter "$file"
fill B skeleton
ns B nft add counter inet filter web1_in
ns B nft add chain inet filter web1_to
ns B nft add rule inet filter web1_to drop
refused "a chain of that name is another" web1_to "$file"
fill B skeleton
ns B nft add element inet filter to_addr '{ 192.0.2.48/28 : drop }'
refused "an element in the way" "192\.0\.2\.51|to_addr" "$file"

# --- the kernel says no in the middle
ns_new A
ns_new B
if command -v iptables-nft >/dev/null && ns A iptables-nft -t mangle -A INPUT -j RATEEST \
	--rateest-name x --rateest-interval 250ms --rateest-ewmalog 0.5s 2>/dev/null; then
	ns A iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT
	ns A iptables-nft -A INPUT -m rateest --rateest x --rateest-gt --rateest-bps 5 -j DROP
	ns A iptables-nft -A INPUT -j ACCEPT
	at_host A snapshot --table ip:filter -e nft -o "$work/rate.nsc"
	is $rc 0 "snapshot of a table" || diag "$(cat "$err")"
	refused "a rule that the kernel does not take" "rule 1 of chain ip filter INPUT" "$work/rate.nsc"
	at_host B apply --dry-run "$work/rate.nsc"
	is $rc 3 "a dry run foresees it"
	like "$(cat "$err")" "rule 1 of chain ip filter INPUT" "with the same words"
	is "$(ns B nft list ruleset)" "" "and leaves nothing"
else
	skip "a batch that is refused in the middle" "no iptables-nft with rateest"
fi

# --- what nobody can restore is said beforehand
ns_new A
ns_new B
ns A nft -f - <<'END'
table inet counted {
	chain c {
		limit rate 5/second accept
		ct count over 20 drop
	}
}
END
at_host A snapshot --table inet:counted -e nft -o "$work/counted.nsc"
at_host B apply --dry-run "$work/counted.nsc"
is $rc 0 "counted connections do not stand in the way" || diag "$(cat "$err")"
like "$(cat "$err")" "loss: .*ct count.* 1 rule" "but that they are forgotten is said"

for h in A B; do
	ns_end $h
done
done_testing
