# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a terminal of its own and acts when something appears there.

terminal.py [--width N] [--then WHEN ACTION]... -- COMMAND...

WHEN is a regular expression of what has been seen since the last action. ACTION is
^C, a signal's name, resize:N (columns) or nothing. Prints {"status", "frames": [the line of the
progress each time it was drawn], "screen": [the rows that are left], "late": [the
frames after the last action], "acted": how many actions, "seconds"}.
"""
import argparse, fcntl, json, os, pty, re, select, signal, struct, sys, termios, time

split = sys.argv.index("--")
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=100)
parser.add_argument("--then", nargs=2, action="append", default=[])
options = parser.parse_args(sys.argv[1:split])
command, then = sys.argv[split + 1:], list(options.then)

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    time.sleep(0.1)  # the size comes first
    os.execvp(command[0], command)


def resize(columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def act(action):
    if action == "^C":
        os.write(fd, b"\x03")
    elif action.startswith("resize:"):
        resize(int(action[7:]))
    elif action.startswith("SIG"):
        os.kill(pid, signal.Signals[action])


resize(options.width)
start, seen, since, acted = time.monotonic(), b"", 0, 0
while time.monotonic() < start + 60:
    if not select.select([fd], [], [], 1)[0]:
        continue
    try:
        got = os.read(fd, 65536)
    except OSError:
        break
    if not got:
        break
    seen += got
    if then and re.search(then[0][0].encode(), seen[since:]):
        since = len(seen)
        acted += 1
        act(then.pop(0)[1])
else:
    os.kill(pid, signal.SIGKILL)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
seconds = time.monotonic() - start
text = seen.decode(errors="replace")
rows, row, column = [], "", 0
for token in re.findall(r"\r|\n|\033\[K|\033\[[0-9;]*m|[^\r\n\033]|\033", text):
    if token == "\r":
        column = 0
    elif token == "\n":
        rows.append(row)
        row = ""
    elif token == "\033[K":
        row = row[:column]
    elif not token.startswith("\033["):
        row = row[:column].ljust(column) + token + row[column + 1:]
        column += 1
rows.append(row)
frame = r"nsemig: \d+:\d\d [^\r\n\033]*(?=\033\[K)"
# The line that was being drawn at that moment may still be as it was.
late = text[since + 200:] if acted else ""
print(json.dumps({"status": status, "frames": re.findall(frame, text), "screen": rows,
                  "late": re.findall(frame, late), "acted": acted,
                  "colored": bool(re.search(r"\033\[\d+m", text)), "seconds": seconds}))
