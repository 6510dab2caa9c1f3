#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The completions in the shells that they are for.

. "$(dirname "$0")/lib.sh"
need_nsemig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here" "$work/zsh"
cp "$NSEMIG" "$work/bin/nsemig"
touch "$work/here/one.nsc"
cp "$top/completions/nsemig.zsh" "$work/zsh/_nsemig"
export PATH=$work/bin:$PATH NSEMIG_CONFIG=$work/conf
printf '[domain web1]\naddresses = 192.0.2.1\n[domain db]\nzones = 4\n' >"$NSEMIG_CONFIG"
cd "$work/here" || exit 1

# Each prints the words that may stand where the line ends, sorted, in one line.
in_bash()
{
	bash --norc -c '
		. "$1"
		# As readline does: a "=" is a word of its own.
		line=${2//=/ = }
		read -ra COMP_WORDS <<<"$line"
		[[ $line != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_nsemig 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' - "$top/completions/nsemig.bash" "$1" | sort | xargs
}

in_fish()
{
	HOME=$work fish --no-config -c "source $top/completions/nsemig.fish
		complete -C'$1'" | cut -f1 | sed 's/^--color=//' | sort | xargs
}

# zsh completes only at a prompt, and so gets one on a terminal of its own.
in_zsh()
{
	HOME=$work python3 - "$work" "$1" <<'END' | sort -u | xargs
import os, pty, select, sys, time
work, line = sys.argv[1:]
words = work + "/words"
with open(work + "/init", "w") as f:
    f.write("""PROMPT=
fpath=(%s/zsh $fpath)
autoload -Uz compinit; compinit -u -D
compadd() {
	local -a got
	case " $* " in
	*" -O "*|*" -A "*|*" -D "*) builtin compadd "$@"; return ;;
	esac
	builtin compadd -A got "$@"
	(($#got)) && print -rl -- $got >>%s
	builtin compadd "$@"
}
complete_it() {
	_main_complete
	compstate[insert]= compstate[list]=
	print -r -- .end >>%s
}
zle -C complete-it complete-word complete_it
bindkey '^X' complete-it
print -r -- .ready >>%s
""" % (work, words, words, words))
open(words, "w").close()
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execvp("zsh", ["zsh", "-f", "-i"])

def wait(mark):
    end = time.monotonic() + 20
    while mark not in open(words).read().split("\n") and time.monotonic() < end:
        if select.select([fd], [], [], 0.05)[0]:
            os.read(fd, 65536)

os.write(fd, b"source " + work.encode() + b"/init\n")
wait(".ready")
open(words, "w").close()
os.write(fd, line.encode() + b"\x18")
wait(".end")
print("\n".join(w for w in open(words).read().split("\n") if w != ".end"))
os.close(fd)
os.waitpid(pid, 0)
END
}

for shell in bash fish zsh; do
	if ! command -v $shell >/dev/null; then
		skip "$shell" "not installed"
		continue
	fi
	is "$("in_$shell" 'nsemig sn')" "snapshot" "$shell: a command"
	is "$("in_$shell" 'nsemig --color never sn')" "snapshot" "$shell: behind an option"
	is "$("in_$shell" 'nsemig snapshot ')" "db web1" "$shell: a domain"
	is "$("in_$shell" 'nsemig snapshot --pl')" "--platform" "$shell: an option"
	is "$("in_$shell" 'nsemig show -e ')" "$("$NSEMIG" help --engines | sort | xargs)" \
		"$shell: an engine"
	is "$("in_$shell" 'nsemig show --color=')" "always auto never" "$shell: behind ="
	is "$("in_$shell" 'nsemig migrate --progress ')" "auto json never" "$shell: one of some words"
	is "$("in_$shell" 'nsemig diff one.nsc @w')" "@web1" "$shell: a live domain"
	is "$("in_$shell" 'nsemig show o')" "one.nsc" "$shell: a file"
	is "$("in_$shell" 'nsemig snapshot -o on')" "one.nsc" "$shell: a file for an option"
	is "$("in_$shell" 'nsemig help mi')" "migrate" "$shell: a command for help"
	missing=
	for c in $("$NSEMIG" help --commands | cut -f1); do
		grep -q "\b$c\b" "$top/completions/nsemig.$shell" || missing+="$c "
	done
	is "$missing" "" "$shell: every command has a word for programs that do not answer"
done
done_testing
