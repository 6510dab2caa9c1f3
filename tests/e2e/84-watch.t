#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Watching a domain: real connections that begin, go on and end, rules and sets that are
# changed by nft(8) and by packets, and every way in which it ends.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
need_helpers answer probe entries

# watch_start NAME PART OPTION...: lines in $work/NAME, talk in $work/NAME.talk.
watch_start()
{
	local name=$1 part=$2

	shift 2
	: >"$work/$name.talk"
	spawn "$part" "$NSEMIG" watch "$@" >"$work/$name" 2>"$work/$name.talk" &
	watch_pid[$name]=$!
	eventually grep -q '^nsemig: watching' "$work/$name.talk" ||
		bail_out "watch does not begin: $(cat "$work/$name.talk")"
}
declare -A watch_pid

# watch_stop NAME SIGNAL: returns its status.
watch_stop()
{
	kill "-$2" "${watch_pid[$1]}"
	wait "${watch_pid[$1]}"
}

# Has a line of JSON been printed for which this is true?
told()
{
	jq -e -s "any(.[]; $2)" "$work/$1" >/dev/null 2>&1
}

# told_of WHAT FILTER
told_of()
{
	eventually told json "$2"
	ok $? "$1" || diag "$(tail -n 3 "$work/json")"
}

element()
{
	at A nft "$1" element inet watch "$2" "{ $3 }"
}

lab_up
start_answer
at A nft -f - <<END
table inet watch {
	set peers { type ipv4_addr; flags interval; }
	set seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
	chain c {
		type filter hook forward priority 10;
		ip saddr $LAB_VM4 ip daddr @peers counter
		ip saddr $LAB_VM4 add @seen { ip daddr }
	}
}
END

# --- for programs

watch_start json A --json "$LAB_DOMAIN"
like "$(cat "$work/json.talk")" "watching $LAB_DOMAIN: [0-9,]+ records? now" \
	"it says what it watches"
probe_start tcp tcp "$LAB_VM4" 7007
told_of "a connection that begins" '.change == "added" and .record.key.dport == 7007'
told_of "it is established" '(.record // .b) | .key.dport == 7007 and .body.state == "ESTABLISHED"'
probe_stop tcp
told_of "it goes on to another state" \
	'.change == "changed" and .b.key.dport == 7007 and .a.body.state != .b.body.state'
at A conntrack -D -p tcp --dport 7007 >/dev/null 2>&1
told_of "it ends" '.change == "removed" and .record.key.dport == 7007'
told_of "packets put an element into a set" \
	".change == \"added\" and .record.key.set == \"seen\" and
		.record.key.element == \"$LAB_CLIENT4\""
element add peers 192.0.2.77
told_of "nft(8) does" '.change == "added" and .record.key.element == "192.0.2.77"'
element delete peers 192.0.2.77
told_of "and takes it out" '.change == "removed" and .record.key.element == "192.0.2.77"'
at A nft insert rule inet watch c ip saddr "$LAB_VM4" tcp dport 23 drop
told_of "a rule is put in front" \
	'.change == "added" and .record.type == "rule" and .record.key.chain == "c"'
at A conntrack -I -p udp -s 192.0.2.200 -d 192.0.2.201 --sport 1 --dport 2 --timeout 60 \
	>/dev/null 2>&1
at A conntrack -I -p udp -s "$LAB_VM4" -d 192.0.2.201 --sport 1 --dport 2 --timeout 900 \
	>/dev/null 2>&1
told_of "an entry of the domain" '.change == "added" and .record.key.dport == 2'
watch_stop json INT
is $? 0 "Ctrl-C ends it with status 0"
is "$(jq -s '[.[] | select(.record.key.src? == "192.0.2.200")] | length' "$work/json")" 0 \
	"what is not the domain's is not told"
is "$(jq -r '.format' "$work/json" | sort -u)" 1 "every line is an object of its own"
is "$(jq -s 'map(.time) | . == sort' "$work/json")" true "in the order of time"
is "$(jq -s '[.[] | select(.change == "added" and .record.type == "rule")] | length' \
	"$work/json")" 1 "the rule in front changes no other one"
n=$(jq -s 'group_by(.change) | map({(.[0].change): length}) | add |
	"\(.added) new, \(.changed) changed, \(.removed) gone"' "$work/json")
like "$(cat "$work/json.talk")" "nsemig: ${n//\"/} in " "the summary has the numbers"

# --- for people

element add peers 10.1.0.0/16
term=$(python3 "$e2e_dir/terminal.py" --then '= conntrack entry udp' ^C -- \
	"$lab" exec A "$NSEMIG" watch -i "$LAB_DOMAIN")
is "$(jq .status <<<"$term")" 0 "on a terminal, with what is there already"
is "$(jq .acted <<<"$term")" 1 "it is there"
is "$(jq .colored <<<"$term")" true "coloured"
screen=$(jq -r '.screen[]' <<<"$term")
like "$screen" "[0-9]:[0-9]{2}\.[0-9]{3} = nft set inet watch peers: 10.1.0.0/16" \
	"an element as nft writes it"
like "$screen" "= nft chain inet watch c: ip saddr $LAB_VM4 tcp dport 23 drop" "a rule, too"
like "$screen" "nsemig: 0 new, 0 changed, 0 gone" "none of that is new"

watch_start text A --filter 'dport=443 or set=peers' "$LAB_DOMAIN"
at A conntrack -I -p tcp -s "$LAB_VM4" -d 192.0.2.201 --sport 5 --dport 443 --timeout 60 \
	--state SYN_SENT >/dev/null 2>&1
eventually grep -q ' + ' "$work/text"
at A conntrack -U -p tcp -s "$LAB_VM4" --dport 443 --state ESTABLISHED --mark 9 >/dev/null 2>&1
eventually grep -q ' ~ ' "$work/text"
at A conntrack -D -p tcp -s "$LAB_VM4" --dport 443 >/dev/null 2>&1
eventually grep -q ' - ' "$work/text"
element delete peers 10.1.0.0/16
eventually grep -q 10.1.0.0/16 "$work/text"
watch_stop text TERM
is $? 0 "SIGTERM ends it with status 0"
is "$(sed -E 's/^[0-9:.]+ //; s/ timeout=[0-9]+//' "$work/text")" \
	"+ conntrack entry tcp $LAB_VM4:5 -> 192.0.2.201:443 SYN_SENT
~ conntrack entry tcp $LAB_VM4:5 -> 192.0.2.201:443 mark 0 -> 9, state SYN_SENT -> ESTABLISHED
- conntrack entry tcp $LAB_VM4:5 -> 192.0.2.201:443 mark=9 ESTABLISHED
- nft set inet watch peers: 10.1.0.0/16" "the lines of what was chosen, and of nothing else"

# --- what the kernel does not tell

at client sysctl -qw net.netfilter.nf_conntrack_events=2
at client conntrack -I -p tcp -s 192.0.2.200 -d 192.0.2.201 --sport 6 --dport 22 --timeout 600 \
	--state ESTABLISHED >/dev/null 2>&1
watch_start silent client --addr 192.0.2.200 --interval 0.2 --json
at client conntrack -U -p tcp -s 192.0.2.200 --dport 22 --mark 5 >/dev/null 2>&1
eventually told silent '.change == "changed" and .b.body.mark == 5'
ok $? "an entry from before changes"
watch_stop silent INT

# --- more than can be taken

watch_start lost B --addr "$LAB_VM4" --filter dport=2 --json
kill -STOP "${watch_pid[lost]}"
at B "$helpers/entries" 160000 || bail_out "no entries"
kill -CONT "${watch_pid[lost]}"
eventually told lost '.change == "lost"'
ok $? "events that were lost are told of" || diag "$(cat "$work/lost.talk")"
at B conntrack -I -p udp -s "$LAB_VM4" -d 192.0.2.201 --sport 1 --dport 2 --timeout 60 \
	>/dev/null 2>&1
eventually told lost '.change == "added"'
ok $? "it goes on"
watch_stop lost HUP
is $? 0 "SIGHUP ends it with status 0"
like "$(cat "$work/lost.talk")" "some were lost.*events were lost, and everything collected again: 1" \
	"people are told as well"

# --- ends

at A timeout 30 "$NSEMIG" watch -q -i "$LAB_DOMAIN" 2>"$work/err" | head -n 1 >"$work/out"
is "${PIPESTATUS[0]} $(wc -l <"$work/out")" "0 1" "a reader that has seen enough ends it"
is "$(cat "$work/err")" "" "without a word"
at A timeout 30 "$NSEMIG" watch -q --addr 10.99.99.99 2>"$work/err" | true
is "${PIPESTATUS[0]}" 0 "also when there is nothing to be written"
at A timeout 30 "$NSEMIG" watch -q --timeout 0.3 "$LAB_DOMAIN"
is $? 0 "the time is over"
watch_start count A -n 2 -e nft "$LAB_DOMAIN"
element add peers '192.0.2.1, 192.0.2.3, 192.0.2.5'
wait "${watch_pid[count]}"
is "$? $(wc -l <"$work/count")" "0 2" "so many changes and no more"
at A "$NSEMIG" watch --interval 0 "$LAB_DOMAIN" 2>"$work/err"
is $? 2 "an interval that is none"
at A "$NSEMIG" watch --filter 'proto=' "$LAB_DOMAIN" 2>"$work/err"
is $? 2 "an expression that is none"
at A "$NSEMIG" watch nobody 2>"$work/err"
is $? 3 "a domain that does not exist"
done_testing
