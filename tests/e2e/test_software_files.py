"""Programs that copy, pack, edit and search files do in a session what they do natively."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gitrepo import Content
from tests.support.software import Pair, needs

pytestmark = pytest.mark.fuse

FILES: dict[str, Content] = {
    "README": "hello\nworld\n",
    "run.sh": "#!/bin/sh\necho ran\n",
    "src/main.c": "int main(void) { return 0; }\n",
    "src/deep/er/data.bin": bytes(range(256)) * 64,
    "src/deep/link": "-> ../main.c",
    "docs/a b.txt": "one\ntwo\nthree\n",
    "link": "-> README",
    "empty": b"",
}

SCRIPTS = {
    "cp -a": """
        cp -a src copy; cp -al src linked; stat -c '%n %h' linked/main.c src/main.c
        test copy/main.c -ot README && exit 1; find copy -newer src/main.c; cp -r --reflink=auto src/. copy2
        cp --sparse=always src/deep/er/data.bin sparse; cp -p run.sh ran.sh; cp -u README copy/README
        cp --backup=numbered README empty; cp --attributes-only --preserve=all run.sh attributes; ls -1R
    """,
    "mv": """
        mv src moved; mv moved/deep .; mv -n README run.sh; mv -b README run.sh; mv 'docs/a b.txt' docs/ab
        mv docs/ab docs/ba; mv -T deep new; mkdir src; mv new src/new; ls -1R; cat run.sh src/new/er/data.bin | cksum
    """,
    "tar": """
        tar cf ../$$.tar --sort=name --exclude=./.git .; mkdir out; tar xf ../$$.tar -C out; tar df ../$$.tar
        tar tf ../$$.tar | sort; rm -r src; tar xf ../$$.tar ./src; tar xf ../$$.tar --overwrite
        tar rf ../$$.tar empty; tar cf - docs | tar xf - -C out; rm ../$$.tar; ls -1R
    """,
    "sed -i": "sed -i 's/hello/bye/' README link; sed -i.bak 's/two/2/' docs/*; sed -i '1d' run.sh; ls -1R; cat link",
    "find": """
        touch mark; test -z "$(find . -path ./.git -prune -o -newer mark -print)"; touch -d '+1 second' README
        find . -path ./.git -prune -o -newer mark -print; find . -name .git -prune -o -type l -print | sort
        find src -type f -size +1k; find . -empty | sort; find docs -name '*.txt' -delete; find docs -depth -delete
        find . -newermt '2000-01-01' -name main.c; find . -links +1 -type f; find src -samefile src/main.c
    """,
    "dd and truncate": """
        dd if=/dev/zero of=src/deep/er/data.bin bs=1 count=3 seek=100 conv=notrunc,fsync 2>/dev/null
        truncate -s 10 README; truncate -s 100K grown; dd if=README of=odd bs=3 skip=1 count=2 2>/dev/null
        fallocate -l 1M never 2>/dev/null || truncate -s 1M never; cksum README grown odd never src/deep/er/data.bin
    """,
    "install and ln": """
        install -D -m 600 README a/b/c; install -d -m 750 a/d; install -b -m 644 README empty; ln -sfn src link
        ln README hard; echo more >>hard; ln -f run.sh hard; stat -c '%n %h %a' README hard run.sh a/b/c; stat -c %a a/d
        ls link/; touch -r run.sh README; test README -nt run.sh && exit 1; test README -ot run.sh && exit 1; exit 0
    """,
    "shell redirection": """
        echo new >README; echo more >>README; cat <README >copy; cat README README 1<>run.sh; : >empty; set -C
        (echo no >README) 2>/dev/null || echo refused; exec 3<>docs/new; echo 3 >&3; rm docs/new; echo 3 >&3; exec 3>&-
        mkfifo pipe; (echo through >pipe &) ; cat pipe; rm pipe
        mktemp -p . | wc -c; rm tmp.*; ls -1R; cat README run.sh
    """,
    "sort and split": """
        seq 5000 | split -l 900 - part; sort -n -o sorted part*; wc -l sorted; sort -rn -o sorted sorted; tail -1 sorted
        csplit -s sorted 100 200; cat xx* | cmp - sorted; seq 100000 | sort -T . -S 1M --parallel=2 | tail -1; ls
    """,
    "diff and cmp": """
        cp -r src other; echo x >>other/main.c; diff -ru src other | grep -v '^[-+][-+][-+]' || true
        cmp src/main.c other/main.c || true
        git diff --no-index --stat src other || true; sha256sum src/main.c other/main.c >sums; sha256sum -c sums
    """,
    "rm": "rm -rf src; mkdir src; ls -A src; touch src/main.c; rm -r docs link; rm -r src; ls -A src || true; ls -1R",
    "chmod": """
        chmod -R go-rwx src docs link; chmod +x README; chmod -x run.sh
        ls -lR | grep -v total | cut -c 1-10; git diff --summary
    """,
    "du and df": """
        echo more >>README; du -a --apparent-size -b --exclude=.git src/main.c README docs/*; df -P . | wc -l
    """,
}

SLOW_SCRIPTS = {
    "rsync": """
        find src docs -exec touch -h -d @1700000000 {} +; rsync -a src/ copy
        rsync -a --delete --itemize-changes src/ copy
        echo more >>src/main.c; rm src/deep/link
        rsync -a --delete --itemize-changes src/ copy; rsync -ac --inplace --itemize-changes docs/ copy
        rsync -aHAX --numeric-ids copy/ again; rsync -a --link-dest=../copy copy/ linked; diff -r copy linked
    """,
    "patch": r"""
        cp README old; sed 's/hello/bye/' old >README; diff --label old --label README -u old README >p || true
        patch -R -p0 README p
        patch -b -p0 README p; patch -R README <p; sed -i s/hello/other/ README; patch -f README p || cat README.rej
        find . -name '*.orig' | sort
    """,
    "ripgrep": """
        rg --sort path -n hello; rg --sort path --files --hidden -g '!.git'; rg -c --sort path 'e$'; rg --mmap one docs
        echo '*.bin' >.gitignore; rg --sort path --files; rg --sort path -uu -l --binary o -g '!.git'
        rg -q absent || echo no
    """,
    "zip": """
        zip -qry a.zip src docs; unzip -qo a.zip -d out; diff -r src out/src; echo >>src/main.c
        zip -q a.zip src/main.c; unzip -l a.zip | wc -l; rm a.zip
    """,
    "perl": "perl -pi -e 's/hello/bye/' README; perl -pi.bak -e 's/two/2/' docs/*; cat README docs/*",
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_as_natively(what: str, tmp_path: Path) -> None:
    pair = Pair.of(tmp_path, FILES)
    assert pair.run(SCRIPTS[what]).endswith("status 0\n")
    pair.compare()
    pair.assert_whole()


@pytest.mark.slow
@pytest.mark.parametrize("what", SLOW_SCRIPTS)
def test_as_natively_with_more_programs(what: str, tmp_path: Path) -> None:
    needs({"ripgrep": "rg"}.get(what, what))
    pair = Pair.of(tmp_path, FILES)
    assert pair.run(SLOW_SCRIPTS[what]).endswith("status 0\n")
    pair.compare()
    pair.assert_whole()
