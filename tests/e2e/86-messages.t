#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What both ends of a migration leave for those who look later: a message to the
# journal, figures for Prometheus, snapshots of the domains; and what the
# configuration says of the other host and of a domain.

. "$(dirname "$0")/lib.sh"

# The journal's socket is where the library looks for it: in a mount namespace
# of our own it is ours.
if [ -z "${MESSAGES_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip_all "namespaces need root"
	MESSAGES_INSIDE=1 exec unshare --mount --propagation private bash "$0"
fi
e2e_start
need_nsemig
need_helpers answer probe
[ -d /run/systemd ] || mkdir /run/systemd
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/journal

# Each datagram becomes a line of JSON.
perl -MIO::Socket::UNIX -MJSON::PP -e '
	my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
		Local => "/run/systemd/journal/socket") or die;
	$| = 1;
	while (defined $s->recv(my $text, 65536)) {
		my %m;
		while (length $text) {
			if ($text =~ s/^([A-Z_]+)=([^\n]*)\n//) { $m{$1} = $2; next }
			$text =~ s/^([A-Z_]+)\n(........)//s or die;
			my ($k, $n) = ($1, unpack "Q<", $2);
			$m{$k} = substr $text, 0, $n, "";
			$text =~ s/^\n//;
		}
		print JSON::PP->new->canonical->encode(\%m), "\n";
	}' >"$work/journal" &
there() { [ -S /run/systemd/journal/socket ]; }
eventually there || bail_out "nobody listens to messages"
# message ID FILTER: of the messages with that id.
message() { jq -r "select(.MESSAGE_ID == \"$1\") | $2" "$work/journal"; }
migration=3cdb7cbe670847ab922d0e24796a510f
session=b752159625f54b8f89ed4e825123c2f4
got() { [ "$(message "$1" .NSEMIG_RESULT | wc -l)" = "$2" ]; }

lab_up
conf_of() { echo "/run/nsemig-lab-$LAB_ID/host$1/nsemig.conf"; }
for h in A B; do
	printf '\n[metrics]\ntextfile = %s\n' "$work/$h.prom" >>"$(conf_of $h)"
done
cat >>"$(conf_of A)" <<END
[remote]
identity = $LAB_IDENTITY
known-hosts = /nonexistent
[host $LAB_MGMT_B]
user = root
known-hosts = $LAB_KNOWN_HOSTS
END
start_answer
probe_start tcp tcp "$LAB_VM4" 7007 || bail_out "no probe"
eventually grep -q ESTABLISHED <(at A conntrack -L 2>/dev/null)

at A "$NSEMIG" snapshot --all-domains --json "$work/snaps" >"$work/out"
is "$(jq -c '[.domains[] | [.domain, .result, .records > 0]]' "$work/out")" \
	"[[\"$LAB_DOMAIN\",\"stored\",true]]" "the platform's domain is stored"
at A "$NSEMIG" diff --stat "$work/snaps/$LAB_DOMAIN-latest.nsc" "@$LAB_DOMAIN" >"$work/out" 2>&1
like $? '^[01]$' "and can be compared"

at A "$NSEMIG" check "$LAB_DOMAIN" "$LAB_MGMT_B" >"$work/talk" 2>&1
like $? '^[01]$' "user, key and host keys are as configured" || diag "$(cat "$work/talk")"
is "$(cat "$work/journal" | grep -c NSEMIG_ROLE)" 0 "what only asks is no news"

# A domain that the target does not accept.
printf '[domain %s]\nreceive = no\n' "$LAB_DOMAIN" >>"$(conf_of B)"
at A "$NSEMIG" migrate "$LAB_DOMAIN" "$LAB_MGMT_B" >"$work/talk" 2>&1
is $? 3 "receive = no"
like "$(cat "$work/talk")" "does not accept the domain $LAB_DOMAIN" "says so"
sed -i '$d' "$(conf_of B)"
eventually got $session 1
is "$(message $migration '[.NSEMIG_ROLE, .NSEMIG_DOMAIN, .NSEMIG_TARGET, .NSEMIG_RESULT,
	.PRIORITY] | @json')" "[\"source\",\"$LAB_DOMAIN\",\"$LAB_MGMT_B\",\"aborted\",\"3\"]" \
	"the source tells of the abort"
like "$(message $migration .NSEMIG_REASON)" "does not accept" "and why"
like "$(message $migration .NSEMIG_STATE)" "runs here" "what has become of it"
like "$(message $migration .NSEMIG_ADVICE)" '`nsemig check vm1' "and what to do"
is "$(message $migration '.NSEMIG_ADVICE as $a | .MESSAGE | endswith("\nTo do: " + $a)')" true \
	"which the text ends with"
is "$(message $session '[.NSEMIG_ROLE, .NSEMIG_DOMAIN, .NSEMIG_RESULT, .PRIORITY] | @json')" \
	"[\"target\",\"$LAB_DOMAIN\",\"undone\",\"4\"]" "so does the target"

# A time limit of the domain, which the report cannot show: it is taken at all.
printf '[domain %s]\ntimeout = 20\n' "$LAB_DOMAIN" >>"$(conf_of A)"
at A "$NSEMIG" migrate "$LAB_DOMAIN" "$LAB_MGMT_B" --report "$work/report" >"$work/talk" 2>&1
is $? 0 "a migration with all of it configured" || diag "$(cat "$work/talk")"
report=$(cat "$work/report")
eventually got $session 2
is "$(message $migration 'select(.NSEMIG_RESULT == "migrated") | [.NSEMIG_HOLD_US,
	.NSEMIG_FROZEN_US, .NSEMIG_CARRIED, .NSEMIG_VERIFIED, .PRIORITY] | join(" ")')" \
	"$(field '[.hold_us, .phases_us.frozen, .records.carried, "yes 6"] | join(" ")')" \
	"the source's message has what the report has"
is "$(message $session 'select(.NSEMIG_RESULT == "arrived") | [.NSEMIG_DOMAIN, .PRIORITY] |
	join(" ")')" "$LAB_DOMAIN 6" "the target's says that it has arrived"
grep -qx 'nsemig_migrations_total{result="migrated"} 1' "$work/A.prom" &&
	grep -qx 'nsemig_migrations_total{result="aborted"} 1' "$work/A.prom" &&
	grep -qx 'nsemig_migrations_total{result="unclear"} 0' "$work/A.prom"
ok $? "the source's figures count both" || diag "$(cat "$work/A.prom")"
grep -qx 'nsemig_sessions_total{result="arrived"} 1' "$work/B.prom" &&
	grep -qx 'nsemig_sessions_total{result="undone"} 1' "$work/B.prom"
ok $? "so do the target's" || diag "$(cat "$work/B.prom")"
is "$(sed -n 's/^nsemig_migration_hold_seconds //p' "$work/A.prom" | awk '{ printf "%d", $1 * 1e6 + .5 }')" \
	"$(field .hold_us)" "for how long READY was held"

done_testing
