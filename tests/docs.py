#!/usr/bin/env python3
"""docs.py DIR - runs what README.md and docs/TUTORIAL.md tell a reader to type, in the folder DIR; TAP.

TUTORIAL.md: a fenced block of "sh" is run as it stands, by sh -e, all in one folder, one after the
other; a block of "text" right behind it is what it prints, standard error included, to the letter,
but for lines and parts of lines that are "...". "sh model" is run too, with a tiny policy in the
place of the model that the text speaks of; "sh skip" is not run, but must be shell.
README.md: the lines that begin with "$" are run in the folder that man-env.sh makes, whose figures
are others; what they print must be there but for its numbers. Its calls of rloop are made with fewer
steps.
--update writes what TUTORIAL.md's blocks print into it.
"""
import os
import re
import shutil
import subprocess
import sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
failed, count = False, 0


def tap(good, name, why=""):
    global failed, count
    count += 1
    failed |= not good
    print("%sok %d - %s" % ("" if good else "not ", count, name), flush=True)
    if not good:
        print("".join("# %s\n" % line for line in why.splitlines()[-40:]), end="", flush=True)


def shell(text, folder, *options):
    done = subprocess.run(["sh", "-e", *options], input=text, cwd=folder, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    return done.returncode, done.stdout


def blocks(path):
    """(line, kind, text) of each fenced block"""
    kind, found = None, []
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.startswith("```"):
                if kind is not None:
                    found[-1][2].append(line)
            elif kind is None:
                kind = line[3:].strip()
                found.append((number, kind, []))
            else:
                kind = None
    assert kind is None, "%s: a block has no end" % path
    return [(number, kind, "".join(text)) for number, kind, text in found]


def pattern(text):
    """Of a text in which a line "..." is any lines, and "..." within a line any text"""
    parts = [re.escape(line).replace(r"\.\.\.", ".*") + "\n" if line != "..." else "(?:.*\n)*"
             for line in text.splitlines()]
    return re.compile("".join(parts))


STAND_IN = r"""
policy-init -q -o random --layers 1 --hidden 32 --heads 2 --ffn 32 --max-len 256 -s 1
echo '{% for m in messages %}{{ m.content }}{% if m.role == "user" %} {% endif %}{% endfor %}' >random/chat_template.jinja
ask='{"messages": [{"role": "user", "content": "What is %d%d + %d%d? Answer with the number."}, '
for a in 2 3 4 5; do for b in 1 2 3 4; do
	printf "$ask"'{"role": "assistant", "content": "%d%d"}]}\n' $a $b $b $a $((a + b)) $(((a + b) % 9))
done; done >talks.jsonl
rft-tune -q -p random -o SmolLM2-135M-Instruct --lr 1e-2 --warmup 2 --epochs 30 --batch 8 talks.jsonl
"""


def tutorial(path, folder, update):
    found, out = blocks(path), ""
    lines = open(path).read().splitlines(True)
    shift = 0
    for number, kind, text in found:
        name = "TUTORIAL.md:%d" % number
        if kind == "sh model" and not os.path.exists(os.path.join(folder, "talks.jsonl")):
            status, out = shell(STAND_IN, folder)
            tap(status == 0, "a tiny policy in the place of the model", out)
        if kind in ("sh", "sh model"):
            try:
                status, out = shell(text, folder)
            except subprocess.TimeoutExpired:
                status, out = "none in time", ""
            tap(status == 0, name, "status %s\n%s\n%s" % (status, text, out))
        elif kind == "sh skip":
            status, out = shell(text, folder, "-n")
            tap(status == 0, name + " is shell", out)
        elif update and "..." not in text:
            new = out.splitlines(True)
            at = number + shift
            lines[at:at + text.count("\n")] = new
            shift += len(new) - text.count("\n")
        else:
            tap(pattern(text).fullmatch(out), name + " is what is printed", "%s\nis not\n%s" % (text, out))
    if update:
        open(path, "w").write("".join(lines))


def readme(path, folder):
    call, want = None, []

    def end():
        if call is not None:
            status, out = shell(call, folder)
            missing = [w for w in want if not re.search(re.sub(r"[0-9.]*[0-9]", "[0-9.]+", re.escape(w).replace(r"\.", ".")), out)]
            tap(status == 0 and not missing, "README.md: $ " + call, "\n".join([str(status), *missing, "not in", out]))

    for line in open(path):
        if line.startswith("    $ "):
            end()
            call, want = line[6:].rstrip("\n"), []
        elif not line.startswith("    "):
            end()
            call = None
        elif call is not None and not line.startswith("    ["):
            want.append(line.strip())
    end()
    for line in open(path):
        if line.startswith("    pipelines/rloop"):
            status, out = shell(line.replace("-n 200", "-n 2 -N 4 -k 1,4"), folder)
            tap(status == 0, "README.md: " + line.strip(), out)
        elif line.startswith("    make"):
            targets = [w for w in line.split("#")[0].split()[1:] if "=" not in w]
            rules = open(os.path.join(root, "Makefile")).read()
            tap(all(re.search(r"^%s:" % t, rules, re.M) for t in targets), "README.md: " + line.strip(), line)


def main():
    folder = os.path.abspath(sys.argv[1])
    mine, readers = os.path.join(folder, "tutorial"), os.path.join(folder, "readme")
    os.mkdir(mine)
    tutorial(os.path.join(root, "docs/TUTORIAL.md"), mine, "--update" in sys.argv)
    shutil.copytree(os.environ["TEST_ENV"], readers)
    os.symlink(os.path.join(root, "pipelines"), os.path.join(readers, "pipelines"))
    readme(os.path.join(root, "README.md"), readers)
    print("1..%d" % count)
    sys.exit(failed)


main()
