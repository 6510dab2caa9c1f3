#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the examples of a manual page or of the README, one after the other.

An example is a line of a display (.Dl or .Bd -literal; in the README a fenced
block or the first column of a table) that begins with a prompt:

    # nsemig show web1          on hostA; also hostB#, client#, vm1#
    $ nsemig help --engines     on this machine, outside of the lab

The lines below it, up to the next prompt, are its output, which has to be of
the same shape: numbers may differ, a line "..." stands for any lines, and
"..." in a line for any text. Lines that begin with "NAME> " are what it is given
on stdin. A display without prompts in EXAMPLES or TUTORIAL is JSON or a
configuration, and has to be read as such. In front of a display or inside it:

    .\\" not run: REASON         (README: <!-- not run: REASON -->)
    .\\" exits: 1                or several; else it is 0
    .\\" until: TEXT             it ends by Ctrl-C when it has printed this
    .\\" after: COMMAND          what happened on hostA before

web1 is on hostA again before each example outside of the tutorial.

For each example a line is printed: ok, not or skip, its name, and a text,
separated by tabs; newlines in a text are \\x01.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT = 30
PROMPT = re.compile(r"^(?:(hostA|hostB|client|vm1)?#|(\$)) (.*)$")
STDIN = re.compile(r"^\S*> (.*)$")
ESCAPES = {r"\e": "\\", r"\&": "", r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(ti": "~"}
NOTE = re.compile(r"(not run|exits|until|after): *(.*?)(?: *-->)?$")


class Example:
    """A command or a piece of data, and what is said about it."""

    def __init__(self, where, text, notes):
        self.where, self.command, self.notes = where, text, notes
        self.stdin, self.output = [], []


def unescape(line):
    return re.sub(r"\\e|\\&|\\-|\\\(..", lambda m: ESCAPES.get(m[0], m[0]), line)


def mdoc_displays(path):
    """Yields (section, lines); a line that is a note is a dict."""
    section, block, notes = "", None, {}
    for line in open(path):
        line = line.rstrip("\n")
        note = line.startswith('.\\"') and NOTE.search(line)
        if note:
            if block is None:
                notes[note[1]] = note[2]
            else:
                block.append({note[1]: note[2]})
        elif block is not None and line.startswith(".Ed"):
            yield section, block
            block = None
        elif block is not None:
            block.append(unescape(line))
        elif line.startswith(".Sh "):
            section, notes = line[4:], {}
        elif line.startswith(".Bd -literal"):
            block, notes = [notes], {}
        elif line.startswith(".Dl "):
            if '"' in line:
                raise SystemExit(f"{path}: a quotation mark in .Dl disappears: {line}")
            yield section, [notes, unescape(line[4:])]
            notes = {}


def readme_displays(path):
    block, notes, commands = None, {}, False
    for line in open(path):
        line = line.rstrip("\n")
        note = line.startswith("<!--") and NOTE.search(line)
        fence = re.match(r"```(\w*)$", line)
        if fence and block is None:
            block, notes, commands = [notes], {}, fence[1] == "sh"
        elif fence:
            yield "EXAMPLES", block
            block = None
        elif block is not None:
            block.append("$ " + line if commands and line else line)
        elif note:
            notes[note[1]] = note[2]
        elif line.startswith("| `"):
            cell = re.match(r"\| (.*?[^\\]) \|", line)[1].replace(r"\|", "|")
            note = re.search("<!-- *" + NOTE.pattern, cell)
            for code in re.findall(r"`([^`]*)`", cell):
                yield "EXAMPLES", [{note[1]: note[2]} if note else {}, "# " + code]


def examples(path, tutorial):
    readme = path.endswith(".md")
    for section, lines in readme_displays(path) if readme else mdoc_displays(path):
        if section.startswith("TUTORIAL") != tutorial:
            continue
        found, notes, more = [], {}, False
        for line in lines:
            if isinstance(line, dict):
                notes = {**notes, **line}
                continue
            prompt = PROMPT.match(line)
            if prompt:
                where = "here" if prompt[2] else prompt[1] or "hostA"
                found.append(Example(where, prompt[3], notes))
                notes = notes if "not run" in notes else {}
            elif found and more:
                found[-1].command += "\n" + line
            elif found and STDIN.match(line):
                found[-1].stdin.append(STDIN.match(line)[1])
            elif found:
                found[-1].output.append(line)
            more = bool(found) and not found[-1].output and continues(found[-1].command)
        if not found and section.startswith(("EXAMPLES", "TUTORIAL")):
            data = "\n".join(line for line in lines if isinstance(line, str))
            found = [Example("data", data, notes)]
        yield from found


def continues(command):
    """Does the shell want another line?"""
    if re.search(r"(\\|\||&&)$", command) or "<<" in command.split("\n")[0]:
        word = re.search(r"<<-?'?(\w+)", command)
        return not word or command.split("\n")[-1] != word[1]
    return command.count("'") % 2 == 1


UNITS = r"(?:[kKMGT]i?B|B|µs|us|ms|s|min|h|d)"


def shape(line):
    """The line without what may differ from one run to the next."""
    line = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", line)
    line = re.sub(r"\d[\d.,:]*(?:-\d\d-\d\dT[\d:.Z]+)?(?: ?%s\b)?" % UNITS, "0", line)
    return " ".join(line.split())


def line_fits(wanted, got):
    parts = [re.escape(shape(p)) for p in wanted.split("...")]
    return re.fullmatch(" ?.* ?".join(parts), shape(got)) is not None


def fits(wanted, got):
    """Are these the lines of the text?"""
    if not wanted:
        return not got
    if wanted[0].strip() == "...":
        return any(fits(wanted[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and line_fits(wanted[0], got[0]) and fits(wanted[1:], got[1:])


def start(ex, out):
    argv = ["bash", "-c", ex.command]
    if ex.where != "here":
        part = {"hostA": "A", "hostB": "B", "client": "client", "vm1": "vm"}[ex.where]
        argv = [os.environ["LAB"], "shell", part] + argv
    stdin = tempfile.TemporaryFile()
    stdin.write("".join(line + "\n" for line in ex.stdin).encode())
    stdin.seek(0)
    return subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=subprocess.STDOUT,
                            start_new_session=True)


def run(ex):
    """Returns status and output. The output goes to a file, since what stays in
    the background may hold it open."""
    end = time.monotonic() + TIMEOUT
    until = ex.notes.get("until")
    with tempfile.NamedTemporaryFile() as out:
        p = start(ex, out)
        while p.poll() is None and time.monotonic() < end:
            if until and until in open(out.name, errors="replace").read():
                os.killpg(p.pid, signal.SIGINT)
                until = None
            time.sleep(0.01)
        if p.poll() is None:
            os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        return p.returncode, open(out.name, errors="replace").read().splitlines()


def check_data(text):
    if text.lstrip().startswith("{"):
        try:
            json.loads(re.sub(r"\n *\.\.\.", "", text))
        except ValueError as e:
            return f"it is no JSON: {e}"
        return None
    if not text.lstrip().startswith("["):
        return "it has no prompt, and is neither JSON nor a configuration"
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(text + "\n")
        f.flush()
        r = subprocess.run(["unshare", "--net", os.environ["NSEMIG"], "show", "-e", "expect",
                            "--addr", "192.0.2.1"], text=True, capture_output=True, check=False,
                           env={**os.environ, "NSEMIG_CONFIG": f.name})
    return r.stderr if r.returncode else None


def check(ex):
    """What is wrong with it, or None."""
    if ex.where == "data":
        return check_data(ex.command)
    if "after" in ex.notes:
        status, got = run(Example("hostA", ex.notes["after"], {}))
        if status:
            return f"before it, {ex.notes['after']}: its status is {status}\n" + "\n".join(got)
    status, got = run(ex)
    talk = "\n".join(got)
    if str(status) not in ex.notes.get("exits", "0").split():
        return f"its status is {status}\n{talk}"
    if ex.output and not fits(ex.output, got):
        return "it printed\n" + talk + "\nand the text has\n" + "\n".join(ex.output)
    return None


def home_again():
    """web1 goes back to hostA when the last example has moved it."""
    try:
        with open(os.environ["LAB_STATE"] + "/domain2/host") as f:
            if f.read().strip() == "A":
                return
    except (KeyError, OSError):  # there is no lab
        return
    subprocess.run(["bash", "-c", "as_before"], stdout=subprocess.DEVNULL, check=False)


def main():
    path, tutorial = sys.argv[1], sys.argv[2] == "TUTORIAL"
    for ex in examples(path, tutorial):
        name = f"{os.path.basename(path)}: {ex.where} " + ex.command.split("\n")[0]
        if "not run" in ex.notes:
            verdict, text = "skip", ex.notes["not run"]
        else:
            if not tutorial:
                home_again()
            text = check(ex)
            verdict = "not" if text else "ok"
        line = [verdict, name, text or ""]
        print("\t".join(w.replace("\t", " ").replace("\n", "\x01") for w in line), flush=True)


main()
