#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `nsemig diff`: what it prints of records and of rules, on a terminal and off
# it; with files, a pipe, live domains, and domains on another host.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
command -v python3 >/dev/null || skip_all "no python3"
lab_up
unset NO_COLOR LESS PAGER NSEMIG_PAGER COLUMNS NSEMIG_CONFIG
export TERM=xterm
out=$work/out err=$work/err
vm=$LAB_VM4 a=root@$LAB_MGMT_A
far=(--identity "$LAB_IDENTITY" --known-hosts "$LAB_KNOWN_HOSTS")

# run HOST ARG...: nsemig diff there; its status is $rc, its output $out and $err.
run()
{
	at "$1" "$NSEMIG" diff "${@:2}" >"$out" 2>"$err" <"${stdin:-/dev/null}"
	rc=$?
}
# text: without what each run has of its own
text() { sed -E 's/[0-9]{4}-[0-9-]*T[0-9:.]*Z/TIME/' "$out"; }
entry() { at A conntrack "$@" >/dev/null 2>&1 || bail_out "conntrack $*"; }
rule_handle() { at A nft -a list chain bridge domains "$1" | sed -n "s/.*$2.* # handle //p"; }
unlike()
{
	[[ ! $1 =~ $2 ]]
	ok $? "$3" || told "'$1' has something like '$2'"
}

entry -I -t 5000 -p tcp -s 192.0.2.200 -d "$vm" --sport 4711 --dport 443 \
	--state ESTABLISHED -u SEEN_REPLY,ASSURED -m 7
entry -I -t 5000 -p udp -s "$vm" -d 192.0.2.200 --sport 53 --dport 53
at A nft -f - <<END || bail_out "no rules"
add rule bridge domains vm1_from tcp dport 1 accept
add rule bridge domains vm1_from tcp dport 2 accept
add rule bridge domains vm1_from tcp dport { 22, 80 } counter packets 4 bytes 5 accept comment "ssh"
add rule bridge domains vm1_from tcp dport 4 accept
add rule bridge domains vm1_from tcp dport 5 accept
add rule bridge domains vm1_from tcp dport 6 accept
END
at A "$NSEMIG" snapshot vm1 -o "$work/a.nsc" || bail_out "no snapshot"
run A "$work/a.nsc" @vm1
is "$rc $(cat "$out" "$err")" "0 " "nothing has changed"

entry -U -p tcp -s 192.0.2.200 --sport 4711 -m 9
entry -D -p udp -s "$vm" -d 192.0.2.200
entry -I -t 5000 -p tcp -s "$vm" -d 192.0.2.200 --sport 5000 --dport 25 --state SYN_SENT
at A nft -f - <<END || bail_out "no other rules"
replace rule bridge domains vm1_from handle $(rule_handle vm1_from ssh) tcp dport { 22, 443 } counter packets 4 bytes 5 accept comment "ssh"
delete rule bridge domains vm1_from handle $(rule_handle vm1_from 'dport 1 ')
add rule bridge domains vm1_from tcp dport 1 accept
add element bridge domains vm1_blocked { 203.0.113.99 }
add quota bridge domains vm1_more { 5 mbytes }
add rule bridge domains vm1_from quota name vm1_more drop
END
at A "$NSEMIG" snapshot vm1 -o "$work/b.nsc" || bail_out "no snapshot"
at A "$NSEMIG" snapshot vm1 >"$work/b.pipe" || bail_out "no snapshot to a pipe"

# --- the text
run A "$work/a.nsc" "$work/b.nsc"
is $rc 1 "they differ" || diag "$(cat "$err")"
host=$(at A hostname)
same "$(text)" "--- $work/a.nsc	vm1 at $host, TIME
+++ $work/b.nsc	vm1 at $host, TIME
@@ conntrack entry @@
+ tcp $vm:5000 -> 192.0.2.200:25 mark=0 state=SYN_SENT \
tcp.flags=[sack-perm be-liberal],[sack-perm be-liberal] tcp.wscale=0,0
~ tcp 192.0.2.200:4711 -> $vm:443
-   mark: 7
+   mark: 9
- udp $vm:53 -> 192.0.2.200:53 mark=0
@@ quota bridge domains vm1_more @@
+ quota vm1_more { 5 mbytes }
@@ set bridge domains vm1_blocked @@
+ 203.0.113.99 counter
@@ chain bridge domains vm1_from @@
  counter name \"vm1_out\"
  quota name \"vm1_month\" drop
- tcp dport 1 accept  # moved to rule 7
  tcp dport 2 accept
- tcp dport { 22, 80 } counter accept comment \"ssh\"
+ tcp dport { 22, 443 } counter accept comment \"ssh\"
  tcp dport 4 accept
  tcp dport 5 accept
  tcp dport 6 accept
+ tcp dport 1 accept  # moved from rule 2
+ quota name \"vm1_more\" drop" "the text says it all"
cp "$out" "$work/text"
run A --exit-code "$work/a.nsc" "$work/b.nsc"
is "$rc $(cmp "$work/text" "$out")" "1 " "--exit-code is how it is in any case"
run A -U 0 "$work/a.nsc" "$work/b.nsc"
like "$(cat "$out")" $'@@ chain bridge domains vm1_from @@ rule 3\n- tcp dport [{] 22, 80' \
	"-U 0 tells where instead of what is around"
is "$(grep -c '^ ' "$out")" 0 "and nothing else"
run A "$work/b.nsc" "$work/a.nsc"
is "$(grep '^[-+]' "$out" | sed '1,2d; s/^-/x/; s/^+/-/; s/^x/+/' | grep -v moved | sort)" \
	"$(grep '^[-+]' "$work/text" | sed 1,2d | grep -v moved | sort)" \
	"the other way round it is the other way round"

# --- words
run A --word "$work/a.nsc" "$work/b.nsc"
like "$(cat "$out")" $'\n~ tcp 192.0.2.200:4711 -> '"$vm"$':443 mark=\[-7-\]\{\+9\+\}\n' \
	"--word: a field"
like "$(cat "$out")" $'\n~ tcp dport \{ 22, \[-80-\]\{\+443\+\} \} counter accept comment' \
	"--word: a rule"
like "$(cat "$out")" $'\n- tcp dport 1 accept  # moved' "--word: what moved has not changed"

# --- numbers, names
run A --stat "$work/a.nsc" "$work/b.nsc"
same "$rc $(cat "$out")" "1  conntrack entry tcp                | 2 +~
 conntrack entry udp                | 1 -
 nft quota bridge domains vm1_more  | 1 +
 nft set bridge domains vm1_blocked | 1 +
 nft chain bridge domains vm1_from  | 5 +++--
total: 6 added, 3 removed, 1 changed, $(sed -n 's/.* changed, //p' "$out")" "--stat"
numbers=$(cat "$out")
run A --stat -p "$work/a.nsc" "$work/b.nsc"
same "$rc $(cat "$out")" "1 $numbers

$(cat "$work/text")" "--stat -p: the numbers, and the text behind them"
run A --stat -p --word "$work/a.nsc" "$work/b.nsc"
like "$rc $(cat "$out")" $'^1 .*total: .*\n\n--- .*mark=\[-7-\]' "--stat -p --word"
run A --numstat "$work/a.nsc" "$work/b.nsc"
same "$rc $(cat "$out")" "1 1	0	1	conntrack entry tcp
0	1	0	conntrack entry udp
1	0	0	nft quota bridge domains vm1_more
1	0	0	nft set bridge domains vm1_blocked
3	2	0	nft chain bridge domains vm1_from" "--numstat"
run A --numstat "$work/a.nsc" "$work/a.nsc"
is "$rc $(cat "$out")" "0 " "--numstat: nothing of what is the same"
run A --label before --label $'af\ter' "$work/a.nsc" "$work/b.nsc"
like "$(head -n 2 "$out")" $'^--- before\t.*\n\\+\\+\\+ af\\\\x09er\t' "--label: names for both"
run A --json --label before "$work/a.nsc" "$work/b.nsc"
is "$(jq -r '.a.source, .b.source' "$out")" "before
$work/b.nsc" "--label: for A alone, in JSON"
run A --name-only "$work/a.nsc" "$work/b.nsc"
is "$rc $(head -n 1 "$out")" "1 conntrack entry tcp $vm:5000 -> 192.0.2.200:25" "--name-only"
is "$(sort "$out" | uniq -d)" "" "--name-only: each name once"
is "$(grep -c 'nft rule . of chain bridge domains vm1_from' "$out")" 5 "--name-only: the rules"

# --- JSON
run A --json "$work/a.nsc" "$work/b.nsc"
is "$rc $(jq -c '[.format, .a.source, .b.scope.domain.name, .state, .added, .removed, .changed,
	(.changes | length) == .added + .removed + .changed]' "$out")" \
	"1 [1,\"$work/a.nsc\",\"vm1\",false,$(jq -c '[(.changes[].change)] |
	map(select(. == "added")), map(select(. == "removed")), map(select(. == "changed")) |
	length' "$out" | paste -sd,),true]" "--json: the numbers are those of the list"
is "$(jq -c '.changes[] | select(.change == "changed") | [.fields, .a.body.mark, .b.body.mark]' \
	"$out")" '[["body.mark"],7,9]' "--json: the fields that changed"
is "$(jq '.equal + .added + .changed == .b.records' "$out")" true "--json: the rest is equal"

# --- state
entry -U -p tcp -s 192.0.2.200 --sport 4711 -t 9000
at A nft reset counter bridge domains vm1_in >/dev/null
run A "$work/b.nsc" @vm1
is $rc 0 "a time that moves is no difference" || diag "$(cat "$out")"
run A --state --word "$work/b.nsc" @vm1
is $rc 1 "but with --state it is one"
like "$(cat "$out")" 'timeout=\[-[0-9]+-\]\{\+[0-9]+\+\}' "and is shown"
run A --state --filter dport=443 --json "$work/b.nsc" @vm1
is "$(jq -c '[.changes[].fields]' "$out")" '[["state.timeout"]]' "in JSON, too"

# --- the filter
run A --filter 'mark=7' "$work/a.nsc" "$work/b.nsc"
like "$rc $(grep -c '^@@' "$out") $(cat "$out")" $'^1 1 .*-   mark: 7\n\+   mark: 9' \
	"--filter: one side has to satisfy it"
run A --filter 'dport=1234' "$work/a.nsc" "$work/b.nsc"
is "$rc $(cat "$out")" "0 " "--filter: the status is that of what is left"
run A --filter 'chain=vm1_from and number=3-4' "$work/a.nsc" "$work/b.nsc"
is "$(grep -c '^[-+] ' "$out")" 2 "--filter: a rule among others" || diag "$(cat "$out")"
like "$(cat "$out")" $'\n  tcp dport 4 accept\n' "with those around it"
run A --filter 'mark=' "$work/a.nsc" "$work/b.nsc"
is $rc 2 "--filter: a bad one"

# --- nothing but the status
for form in --word --stat --name-only --json; do
	run A -q $form "$work/a.nsc" "$work/b.nsc"
	is "$rc $(cat "$out" "$err")" "1 " "-q $form"
done
run A --quiet "$work/a.nsc" "$work/a.nsc"
is "$rc $(cat "$out" "$err")" "0 " "--quiet with equals"
run A -q "$work/a.nsc" "$work/nosuch"
like "$rc $(cat "$err")" "^3 nsemig: .*nosuch" "-q keeps no error back"
for two in "--word --stat" "--stat --numstat" "-p --json" "--label a --label b --label c" \
	"--json --name-only" "--delta --filter mark=7" "-o $work/x"; do
	# shellcheck disable=SC2086
	run A $two "$work/a.nsc" "$work/b.nsc"
	is "$rc $(cat "$out")" "2 " "$two is a usage error"
done

# --- a terminal
tty()
{
	seen=$(at A "$e2e_dir/terminal" "$@" 2>&1)
	rc=$?
}
tty 60x24 "" "$NSEMIG" diff --no-pager "$work/a.nsc" "$work/b.nsc"
is $rc 1 "a terminal: the status"
like "$seen" $'\e\\[31m-   mark: 7\e\\[0m\n\e\\[32m\\+   mark: 9\e\\[0m' "a terminal: red and green"
like "$seen" $'\e\\[36m@@ conntrack entry @@' "a terminal: headings"
like "$seen" $'\e\\[1;35m- tcp dport 1 accept  # moved to rule 7\e\\[0m' \
	"a terminal: a rule that has moved has a colour of its own"
like "$seen" $'\e\\[1;36m\\+ tcp dport 1 accept  # moved from rule 2\e\\[0m' "on either side"
tty 60x24 "" "$NSEMIG" diff --no-pager --word "$work/a.nsc" "$work/b.nsc"
like "$seen" $'\e\\[31m\\[-80-\\]\e\\[0m\e\\[32m\\{\\+443\\+\\}\e\\[0m' "a terminal: words"
NO_COLOR=1 tty 60x24 "" "$NSEMIG" diff --no-pager "$work/a.nsc" "$work/b.nsc"
unlike "$seen" $'\e' "a terminal: NO_COLOR"
unlike "$(cat "$work/text")" $'\e' "no colour in a file"
run A --color=always "$work/a.nsc" "$work/b.nsc"
like "$(cat "$out")" $'\e\\[31m-   mark: 7' "--color=always"
cat >"$work/pager" <<-'END'
	#!/bin/sh
	exec sed 's/^/> /'
END
chmod +x "$work/pager"
PAGER=$work/pager tty 60x24 "" "$NSEMIG" diff "$work/a.nsc" "$work/b.nsc"
like "$rc $seen" $'^1 .*> .*mark: 9' "a pager gets it, and the status stays"
like "$seen" $'> \e\\[31m-   mark: 7' "in colour"
PAGER=$work/pager tty 60x24 "" "$NSEMIG" diff -q "$work/a.nsc" "$work/b.nsc"
is "$rc $seen" "1 " "nothing is paged with -q"
PAGER="head -n 1" tty 60x24 "" "$NSEMIG" diff "$work/a.nsc" "$work/b.nsc"
like "$rc $seen" $'^1 [^\n]*a.nsc[^\n]*$' "a pager that is quit early is no failure"
tty 60x24 "" "$NSEMIG" diff "$work/a.nsc" -
like "$rc $seen" "^2 .*not typed in" "a stream is not typed in"

# --- live, and a pipe
run A @vm1 "$work/b.nsc"
is $rc 0 "live against a file"
run A "$work/a.nsc" @vm1
is "$rc $(grep -c '^' "$out")" "1 $(grep -c '^' "$work/text")" "and a file against live"
stdin=$work/b.pipe run A @vm1 -
is $rc 0 "live against a pipe" || diag "$(cat "$out" "$err")"
stdin=$work/b.pipe run A "$work/a.nsc" -
is "$rc $(grep -c '^' "$out")" "1 $(grep -c '^' "$work/text")" "a file against a pipe"
stdin=/dev/null run A @vm1 -
like "$rc $(cat "$err")" "^3 .*standard input" "an empty pipe"

# --- another host
run B "${far[@]}" "$work/b.nsc" "$a:vm1"
is "$rc $(cat "$out" "$err")" "0 " "HOST:DOMAIN" || diag "$(cat "$err")"
run B "${far[@]}" "$a:vm1" "$work/a.nsc"
is $rc 1 "HOST:DOMAIN against a file"
like "$(head -n 1 "$out")" "^--- $a:vm1	vm1 at " "says which"
run B "${far[@]}" "$a:22:vm1" "$work/b.nsc"; is $rc 0 "HOST:PORT:DOMAIN"
run B "${far[@]}" "$a:5" "$work/b.nsc"; is $rc 0 "HOST:ID" || diag "$(cat "$err")"
run B "${far[@]}" "$work/b.nsc" "$a:"; is $rc 0 "HOST: is the other side's domain"
run B "${far[@]}" -e conntrack --addr "$vm" "$work/b.nsc" "$a:"
is $rc 0 "or what the options choose there" || diag "$(cat "$out" "$err")"
run B "${far[@]}" "$a:vm1" "$a:vm1"; is $rc 0 "two of them"
run B "${far[@]}" -e conntrack,expect --stat "$work/a.nsc" "$a:vm1"
like "$rc $(cat "$out")" "^1  conntrack .*total: 1 added, 1 removed, 1 changed" "only some engines"
run B --rsh "ssh -i $LAB_IDENTITY -o UserKnownHostsFile=$LAB_KNOWN_HOSTS" "$a:vm1" "$work/b.nsc"
is $rc 0 "with --rsh" || diag "$(cat "$err")"
at B "$NSEMIG" show "${far[@]}" --json "$a:vm1" >"$out" 2>"$err"
is "$? $(jq -r .scope.domain.name "$out")" "0 vm1" "show takes it, too"
cp "$work/a.nsc" "$work/hostX:vm1"
(cd "$work" && run B "hostX:vm1" ./hostX:vm1 && exit $rc)
is $? 0 "a file that is called so is a file"

run B "${far[@]}" "$a:nobody" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 $LAB_MGMT_A: nsemig: there is no domain 'nobody' here; there are: vm1" \
	"what nsemig says there is heard"
like "$(cat "$err")" $'\nnsemig: nsemig at '"$a.*see above" "and who said it"
run B "${far[@]}" "root@$LAB_MGMT_A:-x" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 $LAB_MGMT_A: nsemig: '-x' is not a domain's name" \
	"a domain is no option there"
run B "${far[@]}" --remote-command nosuch "$a:vm1" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 .*has no nsemig in its PATH .--remote-command" "no nsemig there"
run B "${far[@]}" --remote-command 'echo welcome; nsemig' "$a:vm1" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 nsemig: what came from $a is no context stream; .*login" \
	"something else comes first"
run B "${far[@]}" --remote-command "head -c 100 $work/b.nsc; true" "$a:vm1" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 nsemig: $a: .* offset 100 .truncated" "only a part comes"
run B --known-hosts /dev/null "$a:vm1" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 .*host key of $LAB_MGMT_A is not known" "an unknown host"
run B "${far[@]}" "root@10.78.0.77:vm1" "$work/b.nsc"
like "$rc $(cat "$err")" "^3 nsemig: cannot connect to 10.78.0.77" "a host that is not there"
run B no.such.host.invalid:vm1 "$work/b.nsc"
like "$rc $(cat "$err")" "^3 nsemig: no file is called 'no.such.host.invalid:vm1', and" \
	"a name of nothing at all"
run B 2001:db8::1:vm1 "$work/b.nsc"
like "$rc $(cat "$err")" "^2 .*in brackets" "an IPv6 address without brackets"
run B "$a:" "$a:"
like "$rc $(cat "$err")" "^2 .*names no domain" "no domain at all"
for word in nosuch ./a:b; do
	run B "$word" "$work/b.nsc"
	like "$rc $(cat "$err")" "^3 nsemig: there is no file '$word'; .*HOST:" "no file $word"
done

# --- after a move the interface has another name
migrate A B
is $? 0 "the domain moves" || diag "$(cat "$work/talk")"
run A "${far[@]}" -e nft "$work/b.nsc" "root@$LAB_MGMT_B:vm1"
like "$rc $(cat "$err")" "^1 nsemig: vif5.0 of A is called vif7.0 in B: with --map-vif vif5.0=vif7.0" \
	"rules name another interface: it is said how to compare them"
run A "${far[@]}" -e nft --map-vif vif5.0=vif7.0 "$work/b.nsc" "root@$LAB_MGMT_B:vm1"
is "$rc $(cat "$out" "$err")" "0 " "--map-vif: then they are the same"
done_testing
