#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nsemig shell as a script and at a terminal: the current context, completion,
# history, Ctrl-C, another size of the window; and nsemig explain.

. "$(dirname "$0")/lib.sh"
e2e_start
need_nsemig
command -v python3 >/dev/null || skip_all "no python3"

unshare -n sleep 600 &
pid_a=$!
A() { nsenter -t $pid_a -n "$@"; }
in_namespace() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
eventually in_namespace $pid_a || bail_out "no namespace"

export NSEMIG_CONFIG=$work/conf HOME=$work TERM=xterm NSEMIG_PAGER=cat INPUTRC=/dev/null
unset NO_COLOR COLUMNS LINES XDG_STATE_HOME
state=$work/state
cat >"$NSEMIG_CONFIG" <<END
[nsemig]
state-dir = $state
[domain db1]
addresses = 192.0.2.1
[host hostb.example]
rsh = $work/far
END
printf '#!/bin/sh\nshift\nNSEMIG_CONFIG=%s/far.conf exec %s/"$@"\n' "$work" "$(dirname "$NSEMIG")" \
	>"$work/far"
chmod 755 "$work/far"
printf '[domain far2]\naddresses = 192.0.2.2\n' >"$work/far.conf"
mkdir "$work/.ssh" "$work/here"
echo 'hostb.example ssh-ed25519 AAAA' >"$work/.ssh/known_hosts"
cd "$work/here" || exit 1

entry() { A conntrack -I "$@" >/dev/null 2>&1 || bail_out "conntrack -I $*"; }
A nft -f - <<-END || bail_out "nft"
	table inet t {
		chain c {
			type filter hook output priority 0;
			ct state new counter accept
			ip saddr 192.0.2.1 limit rate 10/second accept
		}
	}
END
entry -s 192.0.2.1 -d 198.51.100.7 -p tcp --sport 4711 --dport 443 --state ESTABLISHED \
	-t 5000 -u SEEN_REPLY,ASSURED -m 7
entry -s 192.0.2.1 -d 198.51.100.7 -p udp --sport 4711 --dport 53 -t 5000
entry -s 192.0.2.1 -d 198.51.100.8 -p udp --sport 5 --dport 5 -t 5000 --src-nat 203.0.113.1
A "$NSEMIG" snapshot --all -o web.nsc || bail_out "no snapshot"

out=$work/out err=$work/err
# script LINE...: the lines on stdin of a shell; sh_c ARG...: a shell with arguments.
script()
{
	printf '%s\n' "$@" | A "$NSEMIG" shell >"$out" 2>"$err"
	rc=$?
}
sh_c()
{
	A "$NSEMIG" shell "$@" >"$out" 2>"$err" </dev/null
	rc=$?
}
left() { find "$state" -mindepth 1 ! -name shell_history 2>/dev/null | wc -l; }

# --- as a script
script '# a comment' '' 'open web.nsc  # another' 'filter proto=udp' 'show --porcelain | grep -c 192.0.2.1'
is "$rc $(cat "$out")" "0 2" "a script: open, filter, show into a pipe"
is "$(left)" 0 "a script leaves nothing behind"
[ ! -e "$state/shell_history" ]
ok $? "a script has no history"
script 'open web.nsc' 'show -s > sum' '' 'show nothing.nsc' 'show'
is "$rc" 3 "a script ends at the first error, with its status"
like "$(cat "$err")" 'nsemig: line 4: .* status 3' "and says the line"
is "$(cat "$out")$(grep -c Records: sum)" 1 "what came before was done, what follows was not"
script 'open web.nsc' "show --filter dport>100"
is "$rc" 2 "an expression without its quotes is no redirection"
[ ! -e 100 ]
ok $? "and writes no file"
script 'nonsense'
is "$rc" 2 "an unknown command is a usage error"
script 'show -s'
like "$rc $(cat "$err")" '^2 .*no context is open.*open DOMAIN' "nothing is open"
sh_c -c 'filter dport>100; show --filter "proto=tcp" --porcelain | grep -c ESTABLISHED; filter' web.nsc
is "$rc $(xargs <"$out")" "0 1 dport>100" "-c, a filter with >, both filters"
sh_c -c $'show -s\nshow --bogus' web.nsc
like "$rc $(tail -n 1 "$err")" '^2 nsemig: line 2: ' "-c with lines"
sh_c -c 'quit; show nothing' web.nsc
is $rc 0 "quit"
sh_c -c 'diff' web.nsc
is $rc 0 "diff without operands: the file is as it was"
sh_c -c 'show --filter "proto=tcp" % | grep -c ^tcp; purge --dry-run %' web.nsc
is "$rc $(head -n 1 "$out")" "0 1" "% is the current context"
sh_c -c 'nsemig show -s | grep Records; help | grep -c explain; !echo "$((6 * 7))"' web.nsc
is "$rc $(tail -n 1 "$out")" "0 42" "a copied line, help, a command of sh"
like "$(cat "$out")" 'Records:' "nsemig ahead of a command is left out"
sh_c -c 'open --addr 192.0.2.1 -e conntrack; show -s; diff'
is "$rc" 0 "a live context, compared with the host"
entry -s 192.0.2.1 -d 198.51.100.9 -p udp --sport 9 --dport 9 -t 5000
sh_c -c 'open db1; !nsenter -t '"$pid_a"' -n conntrack -D -p udp --dport 9 2>/dev/null
	diff > changed; refresh; diff'
is "$rc" 0 "refresh: nothing differs any more"
like "$(cat changed)" '198.51.100.9:9' "diff before: what has gone"
like "$(head -n 2 changed)" $'^--- db1\t.*\n\\+\\+\\+ @db1\t' "diff: both sides as they were named"
A "$NSEMIG" snapshot --addr 203.0.113.1 -o none.nsc
sh_c -c 'diff none.nsc % > sides' web.nsc
like "$(head -n 2 sides)" $'^--- none.nsc\t.*\n\\+\\+\\+ web.nsc\t' "diff: % is named, too"
sh_c -c 'open web.nsc; !kill -9 $PPID'
is "$(left)" 2 "a shell that is killed leaves its context"
script 'open web.nsc'
is "$(left)" 0 "which the next one removes"
sh_c -c 'show --json | jq ".records | length"; filter type=entry; close; show' web.nsc
is "$rc" 2 "close"
like "$(cat "$out")" '^[0-9]+$' "JSON through a pipe"

# --- explain
explain() { "$NSEMIG" explain web.nsc "$@" >"$out" 2>"$err"; rc=$?; flat=$(xargs -d '\n' <"$out" | tr -s ' '); }
explain tcp 192.0.2.1:4711
like "$rc $flat" '^0 record [0-9]+: .*opened by 192.0.2.1 to port 443' "explain a connection by its end"
like "$flat" 'ESTABLISHED: the connection is open.*assured: .*7 \(0x7\)' "its state, flags and mark"
like "$flat" 'not restored where the TCP window stands' "what is not restored"
number=$(sed -n 's/^record \([0-9]*\):.*/\1/p' "$out")
was=$(cat "$out")
explain "$number"
same "$(cat "$out")" "$was" "the same by its number"
explain dport=443 proto=tcp
same "$(cat "$out")" "$was" "the same by an expression"
explain 198.51.100.8:5 203.0.113.1:5
like "$flat" '192.0.2.1:5 becomes 203.0.113.1:5.*needs a nat chain' "NAT, found by the reply's ends"
explain type=rule
like "$flat" 'nft ct state new counter.*limit. has left: it begins with its whole burst' "rules"
explain 999999
is $rc 3 "no record of that number"
"$NSEMIG" explain --json web.nsc proto=udp >"$out"
is "$(jq -r '[.format, (.records | length), (.records[0].explanation | map(.topic) |
	index("restored") != null)] | @json' "$out")" '[1,2,true]' "explain --json"
cp web.nsc ../web.nsc
sh_c -c "explain $number | head -n 1" web.nsc
is "$rc $(cat "$out")" "0 $(head -n 1 <<<"$was")" "explain in the shell"

sh_c -c "show --filter dport=443" web.nsc
like "$(cat "$out")" "#.*"$'\n'" *$number +tcp" "show in the shell has the numbers"
sh_c -c "show --filter engine=nft" web.nsc
rule=$(sed -n 's/.*limit rate.*# \([0-9]*\).*/\1/p' "$out")
explain "$rule"
like "$flat" 'limit rate 10/second' "those of rules, too"

# --- at a terminal
# dialogue [ARG...]: steps on stdin, see tests/e2e/dialogue; each with a name is a test.
dialogue()
{
	local line

	A "$e2e_dir/dialogue" 100x24 "$NSEMIG" shell "$@" >"$work/dialogue"
	while IFS= read -r line; do
		[[ $line != not* ]]
		ok $? "${line#*ok }"
	done <"$work/dialogue"
}

dialogue <<'END'
see nsemig> 		a prompt
type op\twe\t
see open web\.nsc 		completion of a command and a file
type \r
see nsemig web\.nsc> 		the prompt has the context
type show --summ\t
see --summary 		completion of an option
type \x03
see \^C\r\n.*> 		Ctrl-C drops the line
type show --color=n\t
see color=never 		completion of an option's value
type \x03
see > 
type show --columns proto,desti\t
see proto,destination		completion of a column
type \x03
see > 
type snapshot -e conntrack,ex\t
see conntrack,expect 		completion in a list
type \x03
see > 
type snapshot d\t
see snapshot db1 		completion of a domain
type \x03
see > 
type send % hos\t
see hostb\.example 		completion of a host
type \x03
see > 
type open host\t
see hostb\.example:		completion of a host with a domain
type f\t
see far2 		and of the domain, as that host tells it
type \x03
see > 
type filter pro\t
see filter proto=		completion of a field's name
type t\t
see tcp 		completion of a value that the context has
type o\tdpo\t4\t
see or dport=443 		and so on
type \r
see \[proto=tcp or dport=443\]> 		the prompt has the filter
type filter sta\t
see state +status		completion lists what there is
type \x03
see > 
type show --filter 'pro\tu\t
see 'proto=udp 		completion inside of quotes
type ' > list\r
see list\r\n[^>]*> 
type !wc -l <list\r
see \n\r?[1-9]
type explain spor\t
see sport=		completion of a field for explain
type \x03
see > 
type watch --all -e conntrack -i\r
see = .*198
type \x03
see > 		Ctrl-C ends a long command
type !echo up; sleep 100\r
see \n\r?up
type \x03
see > 		and one of sh
type filter off\r
see web\.nsc> 		the shell goes on
size 60x24
type !stty size\r
see 24 60		the window's size
type explain proto=tcp\r
see opened by\r\n +192\.0\.2\.1 to		output for the new width
see web\.nsc> 
type show -s --filter 'proto=tcp and src=192.0.2.1 and dport=443
size 50x24
type  and sport=4711'\r
see Records: +1\b		a line that a smaller window wraps
see web\.nsc> 
type history 2\r
see show -s --filter .*\r\n.*history 2		history
type  !true is not kept\r
see kept\r\n[^>]*> 
type \x04
end 0		Ctrl-D ends the shell
END
is "$(stat -c %a "$state/shell_history")" 600 "the history is for its owner"
dialogue <<'END'
see > 
type \e[A
see history 2		another session has the history
type \e[A
see show -s --filter		and goes back in it
type \x03
type \x12off
see filter off		it can be searched
type \x03
see > 
type quit\r
end 0		quit ends the shell
END
for signal in 15 1; do
	dialogue web.nsc <<-END
	see > 
	type migrate web1 nowhere
	see nowhere
	signal $signal
	end -$signal		signal $signal ends the shell
	END
	is "$(left)" 0 "and its context goes"
done
tail -n 1 "$state/shell_history" | grep -q migrate
isnt $? 0 "a line that was not finished was not run"
NO_COLOR=1 dialogue web.nsc <<'END'
see web\.nsc> 
type \x04
end 0
END
done_testing
