#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types lines into an interactive shell on a terminal of its own, presses the
tabulator behind each, and says what came of it.

    complete.py SHELL COMPLETION-FILE DIRECTORY <LINES

For each line two are printed: the candidates, sorted, as one line, and what the
command line is then. DIRECTORY is for files of its own.
"""
import os
import pty
import select
import sys
import time

PATIENCE = 60  # seconds

# In each of them ^T types the words that would be offered into a file, and ^G the
# command line.
BASH = """
. {completion}
complete_and_tell()
{{
	_nsemig "$@"
	printf '%s\\n' "${{COMPREPLY[@]}}" .end >{answer}
}}
complete -F complete_and_tell nsemig
tell_line() {{ printf '%s\\n' "$READLINE_LINE" .end >{answer}; READLINE_LINE=; }}
bind 'set bell-style none' 'set show-all-if-ambiguous off'
bind '"\\C-t": complete'
bind -x '"\\C-g": tell_line'
PS1=
echo .end >{answer}
"""
ZSH = """
PROMPT=
fpath=({dir}/zsh $fpath)
autoload -Uz compinit; compinit -u -D
zstyle ':completion:*' list-prompt ''
compadd() {{
	local -a got
	case " $* " in
	*" -O "*|*" -A "*|*" -D "*) builtin compadd "$@"; return ;;
	esac
	builtin compadd -A got "$@"
	(($#got)) && print -rl -- $got >>{answer}
	builtin compadd "$@"
}}
complete_and_tell() {{
	_main_complete
	compstate[insert]= compstate[list]=
	print -r -- .end >>{answer}
}}
tell_line() {{ print -rl -- "$BUFFER" .end >>{answer}; BUFFER=; zle -R }}
setopt nolistbeep
zle -C complete-and-tell complete-word complete_and_tell
zle -N tell_line
bindkey -e
bindkey '^T' complete-and-tell
bindkey '^G' tell_line
print -r -- .end >>{answer}
"""
FISH = """
source {completion}
function fish_prompt; end
function tell_words
	complete -C(commandline) | string replace -r '\\t.*' '' >{answer}
	echo .end >>{answer}
end
function tell_line
	commandline >{answer}
	echo .end >>{answer}
	commandline ''
end
bind \\ct tell_words
bind \\cg tell_line
echo .end >{answer}
"""
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], BASH),
    "zsh": (["zsh", "-f", "-i"], ZSH),
    "fish": (["fish", "--no-config", "-i"], FISH),
}


class Shell:
    def __init__(self, name, completion, directory):
        argv, init = SHELLS[name]
        self.answer = directory + "/answer"
        with open(directory + "/init", "w") as f:
            f.write(init.format(completion=completion, answer=self.answer, dir=directory))
        self.clear()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", HOME=directory)
            os.execvp(argv[0], argv)
        self.ask(f"source {directory}/init\r")

    def clear(self):
        with open(self.answer, "w"):
            pass

    def ask(self, keys):
        """Types the keys; returns the lines of the answer."""
        end = time.monotonic() + PATIENCE
        self.clear()
        os.write(self.fd, keys.encode())
        while True:
            with open(self.answer) as f:
                lines = f.read().split("\n")
            if ".end" in lines:
                return [line for line in lines[:lines.index(".end")] if line]
            if time.monotonic() > end:
                raise SystemExit(f"no answer to {keys!r}")
            if select.select([self.fd], [], [], 0.02)[0]:
                os.read(self.fd, 65536)

    def complete(self, line):
        words = self.ask(line + "\x14")
        # bash has then completed already; a second time would do harm.
        after = self.ask("\x07" if self.completes else "\t\x07")
        return sorted(set(words)), after

    completes = False


def main():
    name, completion, directory = sys.argv[1:]
    shell = Shell(name, completion, directory)
    shell.completes = name == "bash"
    for line in sys.stdin:
        words, after = shell.complete(line.rstrip("\n"))
        print(" ".join(words))
        print(after[-1] if after else "", flush=True)
    os.close(shell.fd)
    os.waitpid(shell.pid, 0)


main()
