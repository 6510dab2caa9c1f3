#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The completions in the shells that they are for: what is typed on a terminal
# becomes what stands here after the tabulator (complete.py).

. "$(dirname "$0")/lib.sh"
need_nsemig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here" "$work/zsh" "$work/.ssh"
cp "$NSEMIG" "$work/bin/nsemig"
touch "$work/here/one.nsc"
cp "$top/completions/nsemig.zsh" "$work/zsh/_nsemig"
printf '#!/bin/sh\n' >"$work/bin/nsemig-extra"
chmod 755 "$work/bin/nsemig-extra"
export PATH=$work/bin:$PATH NSEMIG_CONFIG=$work/conf HOME=$work
cat >"$NSEMIG_CONFIG" <<END
[domain web1]
addresses = 192.0.2.1
[domain db]
zones = 4
[host confd]
port = 22
[host hostB]
rsh = $work/bin/far
[host asks]
rsh = $work/bin/asks
END
# The other host, whose domains are none of ours, and one that wants a password.
cat >"$work/bin/far" <<END
#!/bin/sh
shift
NSEMIG_CONFIG=$work/far.conf exec "\$@"
END
printf '[nsemig]\nplatform = script:%s/bin/far.platform\n' "$work" >"$work/far.conf"
cat >"$work/bin/far.platform" <<'END'
#!/bin/sh
echo '[{"name":"far1"}, {"name":"else"}, {"name":"fa;x"}, {"name":"fa$(x)"}, {"name":"fa x"}]'
END
cat >"$work/bin/asks" <<END
#!/bin/sh
: >$work/asks.ran
(read -r word </dev/tty) 2>/dev/null && : >$work/asks.asked
exec $work/bin/far "\$@"
END
chmod 755 "$work"/bin/*
printf 'Host hostB *.example !no\n\tUser root\nInclude more/*\n' >"$work/.ssh/config"
mkdir "$work/.ssh/more"
printf 'host=included\n' >"$work/.ssh/more/one"
cat >"$work/.ssh/known_hosts" <<'END'
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAA
known1,2001:db8::7 ssh-ed25519 AAAA
[known2]:2222 ssh-ed25519 AAAA
@revoked gone ssh-ed25519 AAAA
END
cd "$work/here" || exit 1

# What is typed, "|", what it becomes. A line may end in a space.
lines()
{
	cat <<-'END'
	nsemig sn|nsemig snapshot 
	nsemig ext|nsemig extra 
	nsemig --color never sn|nsemig --color never snapshot 
	nsemig -v --color=never sn|nsemig -v --color=never snapshot 
	nsemig --color n|nsemig --color never 
	nsemig --color=n|nsemig --color=never 
	nsemig snapshot w|nsemig snapshot web1 
	nsemig snapshot --pl|nsemig snapshot --platform 
	nsemig show --color=al|nsemig show --color=always 
	nsemig migrate --progress j|nsemig migrate --progress json 
	nsemig diff one.nsc @w|nsemig diff one.nsc @web1 
	nsemig diff hostB:f|nsemig diff hostB:far1 
	nsemig diff one.nsc root@hostB:e|nsemig diff one.nsc root@hostB:else 
	nsemig show hostB:e|nsemig show hostB:else 
	nsemig show hostB:w|nsemig show hostB:w
	nsemig show host|nsemig show hostB:
	nsemig show asks:f|nsemig show asks:far1 
	nsemig explain nowhere.invalid:w|nsemig explain nowhere.invalid:w
	nsemig diff host|nsemig diff hostB:
	nsemig show o|nsemig show one.nsc 
	nsemig snapshot -o on|nsemig snapshot -o one.nsc 
	nsemig snapshot --output=on|nsemig snapshot --output=one.nsc 
	nsemig migrate web1 host|nsemig migrate web1 hostB 
	nsemig migrate web1 root@host|nsemig migrate web1 root@hostB 
	nsemig migrate web1 incl|nsemig migrate web1 included 
	nsemig migrate -v web1 known1|nsemig migrate -v web1 known1 
	nsemig show --filter dpo|nsemig show --filter dport
	nsemig show --filter state=EST|nsemig show --filter state=ESTABLISHED
	nsemig show --filter=proto=sc|nsemig show --filter=proto=sctp
	nsemig show --filter 'proto=tcp and not (dpo|nsemig show --filter 'proto=tcp and not (dport
	nsemig show --columns proto,sour|nsemig show --columns proto,source 
	nsemig show --sort timeou|nsemig show --sort timeout 
	nsemig show --sort -timeou|nsemig show --sort -timeout 
	nsemig help js|nsemig help json 
	nsemig help int|nsemig help internals 
	nsemig help mi|nsemig help migrate 
	nsemig help --op|nsemig help --options 
	END
}

# What is typed, "|", the words that it may become, sorted.
lists()
{
	cat <<-'END'
	nsemig snapshot |db web1
	nsemig diff one.nsc @|@db @web1
	nsemig migrate web1 known|known1 known2:2222
	nsemig migrate web1 conf|confd
	nsemig config domain.web1.a|domain.web1.addresses domain.web1.anchor
	nsemig show --color=|always auto never
	nsemig show -e |conntrack expect nft
	nsemig migrate web1 gone|
	nsemig show --filter proto=ud|udp udplite
	nsemig nosuch |
	END
}

# answers SHELL: two lines for each line of stdin.
answers()
{
	timeout 120 python3 "$e2e_dir/complete.py" "$1" "$top/completions/nsemig.$1" "$work"
}

# Without what shells put behind it, and what stands in front in the same word.
bare()
{
	sed -E 's/[ ,=]*('"'"' *)?$//' <<<"$1"
}

for shell in bash fish zsh; do
	if ! command -v $shell >/dev/null; then
		skip "$shell" "not installed"
		continue
	fi
	mapfile -t got < <({
		lines
		lists
	} | cut -d'|' -f1 | answers $shell)
	n=0
	while IFS='|' read -r line wanted; do
		is "$(bare "${got[n + 1]:-}")" "$(bare "$wanted")" "$shell: $line"
		n=$((n + 2))
	done < <(lines)
	while IFS='|' read -r line wanted; do
		is "$(xargs -n1 <<<"${got[n]:-}" | sed 's/^.*=//' | xargs)" "$wanted" \
			"$shell: $line"
		n=$((n + 2))
	done < <(lists)
	missing=
	for c in $(PATH=$work "$NSEMIG" help --commands | cut -f1); do
		grep -q "\b$c\b" "$top/completions/nsemig.$shell" || missing+="$c "
	done
	is "$missing" "" "$shell: every command has a word for programs that do not answer"
done

# A user waits for these: only the domains ask the platform.
printf '[nsemig]\nplatform = script:%s\n' "$work/bin/platform" >"$NSEMIG_CONFIG"
printf '#!/bin/sh\n: >%s/asked\necho "[]"\n' "$work" >"$work/bin/platform"
chmod 755 "$work/bin/platform"
for o in --commands --topics --engines --fields --columns --hosts '--options show'; do
	# shellcheck disable=SC2086
	"$NSEMIG" help $o >"$work/words"
	is "$? $(wc -l <"$work/words" | grep -vx 0 | wc -l)" "0 1" "help $o"
done
[ ! -e "$work/asked" ]
ok $? "none of them asks the platform"
"$NSEMIG" help --domains
[ -e "$work/asked" ]
ok $? "help --domains does"

# help finds by words, and shows manuals in pipes as man(1) does.
is "$("$NSEMIG" help -k ANCHOR | grep -oE '^[^ ]+|^ +\(.*' | xargs)" \
	"--anchor (apply, migrate) migrate.anchor domain.NAME.anchor" "help -k: an option, and keys"
is "$("$NSEMIG" help -k 'stands against' | sed 's/  .*//')" "nsemig check" "help -k: a command"
"$NSEMIG" help -k nothing-like-that >"$work/words" 2>"$work/err"
is "$? $(cat "$work/words" "$work/err")" "1 nsemig: help: nothing is about 'nothing-like-that'" \
	"help -k: nothing"
if command -v man >/dev/null; then
	like "$("$NSEMIG" help show)" "^NSEMIG-SHOW\(8\).*SYNOPSIS" "help COMMAND into a pipe"
else
	skip "help COMMAND into a pipe" "no man"
fi
like "$(PATH=$work/bin "$NSEMIG" help show)" "^Usage: nsemig show" "and without man(1)"

# A host that hangs has no domains, and nothing of the question to it is left.
printf '#!/bin/sh\necho $$ >%s/hung\necho far1\nexec sleep 600\n' "$work" >"$work/bin/hangs"
chmod 755 "$work/bin/hangs"
printf '[remote]\nrsh = %s\n' "$work/bin/hangs" >"$NSEMIG_CONFIG"
names=$(timeout 60 "$NSEMIG" help --domains --at anywhere 2>"$work/err")
is "$? $names" "3 " "help --domains --at a host that hangs" || diag "$(cat "$work/err")"
like "$(cat "$work/err")" 'domains of anywhere: Connection timed out' "says why"
[ -s "$work/hung" ] && ! kill -0 "$(cat "$work/hung")" 2>/dev/null
ok $? "and the command that reached it has ended"
[ -e "$work/asks.ran" ] && [ ! -e "$work/asks.asked" ]
ok $? "a host that asks for a password asks nobody"

# The fields that are offered are in the manual, and every kind has a completion.
missing=
for f in $("$NSEMIG" help --fields | cut -f1 | sort -u); do
	grep -qw -- "${f##*.}" "$top/man/nsemig-json.5" || missing+="$f "
done
is "$missing" "" "every field is in nsemig-json(5)"
for shell in bash fish zsh; do
	missing=
	for c in $("$NSEMIG" help --commands | cut -f1); do
		for kind in $("$NSEMIG" help --options "$c" 2>/dev/null |
			awk -F'\t' '$1 == "operands" { print $2 } $1 == "option" { print $5 }'); do
			[[ $kind = - || $kind = none || $kind = words:* ]] ||
				grep -qE "^\s*(case )?$kind(\)|$)" "$top/completions/nsemig.$shell" ||
				missing+="$kind "
		done
	done
	is "$missing" "" "$shell: every kind of value is completed"
done
done_testing
