"""Editors save files in a session as they do natively: in place, with backups, by writing aside and renaming."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.software import Pair, needs

pytestmark = pytest.mark.fuse

FILES = {
    "run.sh": "#!/bin/sh\necho first\n",
    "notes.txt": "first\nsecond\n",
    "dir/deep.txt": "first\n",
    "link": "-> notes.txt",
    ".gitignore": "*~\n",
}

SHOW = """
    stat -c '%n %a %h %F' run.sh notes.txt dir/deep.txt link
    find . -path ./.git -prune -o -type f -print | sort; git diff
"""

SAVES = {
    "in place": "echo '# more' | tee {0} >/dev/null",
    "aside and rename": "cp -p {0} .tmp.$$; echo '# more' >>.tmp.$$; sync .tmp.$$; mv -f .tmp.$$ {0}; sync .",
    "backup by rename": "mv {0} {0}~; cp -p {0}~ {0}; echo '# more' >>{0}",
    "backup by copy": "cp -p {0} {0}~; echo '# more' >>{0}",
    "backup by hard link": "ln -f {0} {0}~; cp -p {0} .new; echo '# more' >>.new; mv -f .new {0}; cat {0}~",
    "remove and write anew": "content=$(cat {0}); rm {0}; echo \"$content\" >{0}; echo '# more' >>{0}",
    "twice the same": "cp {0} .new; mv .new {0}; echo '# more' >>{0}; cp {0} .new; mv .new {0}",
    "lock file beside it": "ln -s me@here.1 .#lock; echo '# more' >>{0}; readlink .#lock; rm .#lock",
    "swap file": "echo swap >.{0}.swp; echo '# more' >>{0}; rm .{0}.swp",
}

VIM = {
    "the defaults": "set nobackup writebackup",
    "a backup that is kept": "set backup writebackup",
    "a backup by copying": "set backup backupcopy=yes",
    "a backup by renaming": "set backup backupcopy=no",
    "no backup at all": "set nobackup nowritebackup",
    "fsync and a swap file": "set fsync swapfile swapsync=fsync",
    "undo files": "set undofile undodir=. backupcopy=auto",
    "a backup that breaks links": "set backupcopy=auto,breaksymlink,breakhardlink",
}

EMACS = {
    "the defaults": "nil",
    "a backup by copying": "(setq backup-by-copying t)",
    "no backup": "(setq make-backup-files nil)",
    "saving precious files": "(setq file-precious-flag t)",
    "several versions": "(setq version-control t kept-new-versions 3 delete-old-versions t)",
}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair.of(tmp_path, FILES)


def save_twice(pair: Pair, save: str) -> None:
    """Save each kind of file, first clean and then dirty, with `save`, in which {0} is the file; all stays alike."""
    for _ in range(2):
        script = "; ".join(save.replace("{0}", name) for name in ("notes.txt", "run.sh", "link"))
        told = pair.run(f"{script}; {SHOW}sh run.sh")
        assert "+# more" in told and told.endswith("status 0\n")
    pair.compare(lambda path: path.endswith(b".un~"))
    pair.assert_whole()


@pytest.mark.parametrize("how", SAVES)
def test_saving(how: str, pair: Pair) -> None:
    save_twice(pair, SAVES[how])


def test_a_reader_holds_the_old_version_after_an_atomic_save(pair: Pair) -> None:
    told = pair.run("""
        exec 3<notes.txt; echo new >.new; mv .new notes.txt; cat <&3; cat notes.txt
        exec 4<notes.txt; rm notes.txt; cat <&4
        exec 5>>dir/deep.txt; mv dir/deep.txt dir/moved; echo late >&5; cat dir/moved
    """)
    assert told == "first\nsecond\nnew\nnew\nfirst\nlate\nstatus 0\n"


@pytest.mark.slow
@pytest.mark.parametrize("settings", VIM)
def test_vim(settings: str, pair: Pair) -> None:
    needs("vim")
    command = f"vim -Nu NONE -es -c '{VIM[settings]}' -c 'normal Go# more' -c wq {{0}} || echo failed"
    save_twice(pair, command)


@pytest.mark.slow
@pytest.mark.parametrize("settings", EMACS)
def test_emacs(settings: str, pair: Pair) -> None:
    needs("emacs")
    edit = '(progn (goto-char (point-max)) (insert "# more\\n") (basic-save-buffer))'
    save_twice(pair, f"emacs -Q --batch --eval '{EMACS[settings]}' {{0}} --eval '{edit}' 2>&1")
