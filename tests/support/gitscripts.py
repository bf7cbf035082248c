"""Shell scripts of git commands that must do the same wherever they run; each leaves no ref of its own behind."""

from __future__ import annotations

EVERYDAY = {
    "status": """
        git status; git status --porcelain --ignored --untracked-files=all
        echo new >new; echo log >x.log; echo more >>README; rm empty; chmod -x run.sh; mkdir d && touch d/f
        git status; git status --porcelain --ignored --untracked-files=all; git diff-files; git update-index --refresh
    """,
    "log": "git log --stat --format=fuller; git log -p --follow README; git log --oneline --graph --all; git show",
    "diff": """
        echo more >>README; printf 'a\\0b' >src/deep/er/data.bin; ln -sfn empty link; rm empty; mv run.sh ran.sh
        git diff; git diff --binary; git add -A; git diff --cached -M --stat; git diff HEAD --name-status
    """,
    "add and commit": """
        echo more >>README; echo new >src/new.py; rm -r src/deep
        git add -A; git write-tree; git commit -m second; git log --format=%H%n%T -1; git status
        echo again >>README; git commit -a --amend -m third; git rev-parse HEAD HEAD@{1}; git show --stat
    """,
    "add -p": """
        seq 30 >lines; git add lines; git commit -qm lines; sed -i 's/^3$/three/; s/^28$/twenty-eight/' lines
        printf 'y\\nn\\n' | git add -p; git diff; git diff --cached
    """,
    "stash": """
        echo more >>README; echo staged >staged; git add staged; echo new >new; ln -sfn new link
        git stash push --include-untracked -m work; git status; ls -A src; git stash list; git stash show -p
        git stash pop; git status; cat README staged new; readlink link
    """,
    "switch": """
        git branch -q side HEAD; git switch -c here; echo one >one; rm -r src; git add -A; git commit -qm one
        git switch --detach side; ls -AR . | sort; git switch -; ls -A | sort; git branch -v; git switch --detach -q
        git branch -D here side
    """,
    "checkout and reset": """
        echo more >>README; rm -r src; git checkout -- src; git restore README; git status
        echo x >x; git add x; git reset --hard; git status; echo y >y; git clean -fdn; git clean -fd; ls -A | sort
        git rm -rq src; git status --short; git checkout HEAD -- .; git status --short
    """,
    "rebase": """
        for i in 1 2 3; do echo $i >>list; git add list; git commit -qm "step $i"; done; git branch -q base HEAD~3
        git checkout -q --detach base; echo other >other; git add .; git commit -qm other; git branch -qf base HEAD
        git checkout -q --detach HEAD@{2}; git rebase base; git log --format='%T %s'; git branch -D base
    """,
    "a rebase that conflicts": """
        base=$(git rev-parse HEAD); echo a >file; git add .; git commit -qm a; first=$(git rev-parse HEAD)
        git checkout -q $base; echo b >file; git add .; git commit -qm b
        git rebase $first; git status; cat file; git ls-files -u; echo ab >file; git add file
        GIT_EDITOR=true git rebase --continue; git log --format='%T %s'; cat file
    """,
    "merge": """
        base=$(git rev-parse HEAD); mkdir a; echo 1 >a/x; git add .; git commit -qm a; first=$(git rev-parse HEAD)
        git checkout -q $base; git mv src source; git commit -qm b; git merge --no-edit $first
        git log --graph --format=%T%n%s
        git cherry-pick $base..$first; git revert --no-edit HEAD^2; ls -AR . | sort
    """,
    "bisect": """
        for i in 1 2 3 4 5 6 7 8; do echo $i >n; git add n; git commit -qm "n $i"; done
        git bisect start HEAD HEAD~8; git bisect run sh -c 'test $(cat n 2>/dev/null || echo 0) -lt 5'; cat n
        git bisect log; git bisect reset; cat n; git status
    """,
    "grep": "git grep -n hello; git grep -c print -- '*.py'; git grep --untracked -l hello; git grep --no-index -l ran",
    "blame": "echo more >>README; git commit -qam more; git blame README; git blame -l --porcelain src/main.py",
    "files": "git ls-files -s; git ls-tree -r -l HEAD; git check-ignore -v x.log build; git check-attr -a README",
    "apply": """
        echo more >>README; echo x >x; rm empty; git add -A; git diff --cached --binary >../patch.$$
        git reset -q --hard
        git apply --index ../patch.$$; git status --short; git am --show-current-patch; git format-patch -1 --stdout
        rm ../patch.$$
    """,
    "archive": """
        git archive HEAD | tar -t; git ls-files -z | xargs -0 git hash-object --no-filters; git describe --always
    """,
    "subdirectory": """
        git config core.bare; git rev-parse --is-inside-work-tree --show-prefix --show-cdup; cd src
        git rev-parse --show-prefix --show-cdup; echo x >>main.py; git status -s; git add .; git commit -qm sub
        git show --stat --format=%T
    """,
    "submodule": "git submodule status; git submodule summary",
    "index flags": """
        git update-index --assume-unchanged README; echo x >>README; git status -s
        git update-index --no-assume-unchanged README; git status -s; git update-index --really-refresh
    """,
    "rm and mv": r"""
        git rm README; ls -A; git rm --cached run.sh; git status -s; git rm -r src; ls -A; git rm -f link
        git rm nothing
        echo $?; git reset -q --hard; git mv README READ.me; git mv src source; git mv source/deep shallow
        git status -s
        echo x >>READ.me; git mv -k READ.me source/; git mv -f empty run.sh; git status; echo y >>run.sh; git rm run.sh
        echo $?; ls -AR . | grep -v '^total' | sort
    """,
    "restore": r"""
        echo 1 >>README; git add README; echo 2 >>README; rm -r src; git restore --staged README; git status -s
        git restore --worktree src; git status -s; git restore --source=HEAD --staged --worktree README; git status -s
        git rm -q empty; git restore --staged --worktree empty; git status -s; git restore nothing; echo $?
        echo 3 >run.sh; printf 'y\n' | git restore -p run.sh; cat run.sh
    """,
    "reset": r"""
        echo one >one; git add one; git commit -qm one; echo two >>README; git commit -qam two
        git reset --soft HEAD~1; git status -s; git reset --mixed HEAD~1; git status -s; ls -A
        git reset --hard ORIG_HEAD; git status -s; ls -A; seq 30 >>README; git add README
        printf 'y\n' | git reset -p; git diff --stat; git reset --keep HEAD~1; git reset --merge HEAD; git status -s
    """,
    "checkout of a branch": r"""
        git checkout -b topic; echo topic >README; git rm -rq src; git commit -qam topic; git checkout --detach HEAD~1
        ls -A; cat README; echo dirty >>README; git checkout topic; echo $?; git checkout -f topic; cat README; ls -A
        git checkout HEAD~1 -- src; git status -s; git checkout -q HEAD~1 -- . ; git status -s
        git checkout -qf --detach
        git checkout --orphan fresh; git status -s; git rm -rfq .; ls -A; echo f >f; git add f; git commit -qm fresh
        git log --format=%s%n%T; git checkout -q --detach topic~1; ls -A; git branch -D topic fresh; rm -f f
    """,
    "switch in all ways": r"""
        git switch -c one; echo 1 >1; git add 1; git commit -qm 1; git switch -c two HEAD~1; echo 2 >README
        git switch one; git switch -m one; cat README; git switch --discard-changes two; cat README; git switch missing
        echo $?; git switch --orphan three; ls -A; git switch -q --detach one; git branch -D one two; git switch -
    """,
    "commit": r"""
        echo a >>README; git commit --dry-run -a; git commit -am 'first line' -m 'body' --author 'A U <a@u>'
        echo b >b; git add b; git commit -q --fixup HEAD; git log --format='%s|%b|%an|%H'
        git commit --allow-empty -qm empty
        git commit -qm nothing; echo $?; echo c >>b; echo d >>README; git commit -qm only -o b; git status -s
        git commit -q --amend --no-edit --date=2020-01-01T00:00:00Z -a; git show --format=fuller --stat
        echo e >>b; git commit -qam 'trailer' --signoff --trailer 'X: y'; git log -1 --format=%B; git commit -v --amend
        GIT_EDITOR='sed -i 1s/^/edited:/' git commit -q --amend; git log -1 --format=%s; git reflog -5
    """,
    "stash in all ways": r"""
        echo more >>README; git stash; git status -s; echo other >>run.sh; echo l >y.log; git stash push -a -m all
        git status -s --ignored; git stash list; git stash show --stat 'stash@{1}'; git stash apply 'stash@{1}'
        git status -s
        git stash drop; git stash push -q README -m path; git stash branch from-stash; git status -s
        git reset -q --hard
        git checkout -q --detach; git branch -D from-stash; seq 30 >>README; echo z >>run.sh
        printf 'n\ny\n' | git stash push -p; git diff --stat; git stash push --keep-index; git stash push --staged
        echo $?
        git stash clear; git reset -q --hard
    """,
    "rebase -i": r"""
        base=$(git rev-parse HEAD); for i in 1 2 3 4; do echo $i >$i; git add $i; git commit -qm "step $i"; done
        GIT_SEQUENCE_EDITOR='sed -i "1s/pick/squash/;1h;1d;2G;3s/pick/drop/;4s/pick/edit/"' GIT_EDITOR=true \
            git rebase -i $base
        git status; ls -A; echo x >x; git add x; GIT_EDITOR=true git rebase --continue; git log --format='%T %s'; ls -A
        echo f >>2; git commit -qa --fixup :/step
        GIT_SEQUENCE_EDITOR=true GIT_EDITOR=true git rebase -i --autosquash $base
        git log --stat --format='%T %s'; git rebase -x 'ls -A; test -e x' --keep-base $base; git rebase --abort
        git status
    """,
    "merge in all ways": r"""
        base=$(git rev-parse HEAD); echo a >a; git add a; git commit -qm a; one=$(git rev-parse HEAD)
        git checkout -q $base; git merge $one; git reset -q --hard $base; git merge --no-ff --no-edit $one
        git log --format=%T
        git reset -q --hard $base; git merge --squash $one; git status -s; git commit -qm squashed
        git merge --no-edit $one
        git reset -q --hard $base; echo b >a; git add a; git commit -qm b; git merge $one; echo $?; git status; cat a
        git ls-files -u; git diff; git merge --abort; git status -s; git merge -X ours --no-edit $one; cat a
        git merge -s ours --no-edit $base; git reset -q --hard HEAD; git merge-base HEAD $one
        git merge-tree $base HEAD $one
    """,
    "cherry-pick and revert": r"""
        base=$(git rev-parse HEAD); for i in 1 2 3; do echo $i >>list; git add list; git commit -qm "n $i"; done
        git checkout -q --detach $base; tip=$(git rev-parse HEAD@{1}); git cherry-pick -x $tip~2; git log -1 --format=%B
        git cherry-pick $tip; git status; git cherry-pick --abort; git cherry-pick -n $tip~1; git status -s
        git commit -qm n
        git revert --no-edit HEAD; cat list; git revert -n HEAD~1; git status -s; git revert --abort; git status -s
        git revert HEAD~2..HEAD --no-edit; git log --format='%T %s'; ls -A
    """,
    "clean": r"""
        mkdir -p build/deep new/dir .hidden; touch build/deep/x new/dir/y a.log .hidden/z src/q; git clean -n
        git clean -fd
        git clean -ndX; git clean -fdX; ls -A; touch src/q b.log; git clean -fdx -e '*.log'; ls -A; git clean -fdx src .
        ls -AR . | sort; git init -q nested; git clean -fd; git clean -ffd; ls -A
    """,
    "status in all forms": r"""
        echo more >>README; echo s >s; git add s; mkdir -p d/e build; touch d/e/f d/g build/o x.log
        git mv run.sh ran.sh
        for form in -s -sb --long -v -vv --porcelain=v1 --porcelain=v2 '--porcelain=v2 --branch' -uno -unormal -uall \
            '--ignored' '--ignored=matching -uall' '--ignored=no' '-z' '--column' '--no-renames' '--show-stash' '-s \
            src'; do
            echo "== $form"; git status $form | tr '\0' '@'
        done
        cd d; git status -s; git status --porcelain; git -c status.relativePaths=false status -s
    """,
    "hooks": r"""
        hooks=$(git rev-parse --git-path hooks); mkdir -p $hooks
        for hook in pre-commit prepare-commit-msg commit-msg post-commit post-checkout post-merge pre-rebase \
            post-rewrite; do
            printf '#!/bin/sh\necho %s $# in $(pwd) ${GIT_INDEX_FILE##*/}\ngit diff --cached --stat\n' $hook \
                >$hooks/$hook
            chmod +x $hooks/$hook
        done
        echo more >>README; git commit -am more; git checkout HEAD~1; printf '#!/bin/sh\nexit 1\n' >$hooks/pre-commit
        echo x >>README; git commit -qam refused; echo $?; git commit -nqam anyway; git log --format=%s; rm -r $hooks
    """,
}
"""What agents and people run all day."""

RARE = {
    "a stash that conflicts": r"""
        echo a >>README; git stash -q; echo b >>README; git commit -qam b; git stash pop; echo $?; git status -s
        cat README
        git checkout --theirs README; cat README; git checkout --ours README; cat README; git checkout -m README
        cat README
        git reset -q --hard; git stash list; git stash drop; git stash list
    """,
    "a rebase that is given up": r"""
        base=$(git rev-parse HEAD); echo a >README; git commit -qam a; first=$(git rev-parse HEAD)
        git checkout -q $base; echo b >README; git rm -rq src; git commit -qam b; echo c >README; git commit -qam c
        git rebase $first; git status -s; ls -A; git rebase --skip; git status -s; git rebase --abort; git status -s
        cat README; ls -A; git rebase --quit; echo $?; git rebase --onto $first HEAD~1; git checkout -q --theirs README
        git add README; GIT_EDITOR=true git rebase --continue; git log --format='%T %s'
    """,
    "merge of renames and directories": r"""
        base=$(git rev-parse HEAD); git mv src lib; git commit -qm moved; one=$(git rev-parse HEAD)
        git checkout -q $base
        echo more >>src/main.py; echo n >src/new; git add .; git commit -qm edited; git merge --no-edit $one
        ls -AR . | sort; git log -p --format=%s --follow lib/main.py; git checkout -q $base; rm README; mkdir README
        echo x >README/x; git add -A; git commit -qm 'file to directory'; git merge --no-edit $one; ls -AR . | sort
        git checkout -q $base; echo y >>README; git commit -qam y; git merge --no-edit HEAD@{2}; git status -s
    """,
    "patches": r"""
        base=$(git rev-parse HEAD); echo more >>README; printf 'a\0b' >bin; git add -A; git mv run.sh ran.sh
        git commit -qm 'one: with binary'; rm README; git commit -qam two; git format-patch --stdout $base >../mail
        git checkout -q $base; git am ../mail; git log --format='%H %s'; git checkout -q $base; git am -3 <../mail
        git checkout -q $base; echo other >README; git commit -qam other; git am ../mail; git status; git am --abort
        git apply --check ../mail; echo $?; git apply --3way ../mail; git status -s; git reset -q --hard $base
        git apply --stat --summary ../mail; git apply --reject ../mail; git apply -R ../mail; git status -s
        git diff --no-index README run.sh; patch -p1 <../mail; rm ../mail; rm -f *.orig *.rej; git status -s
    """,
    "diff in all forms": r"""
        printf 'hello  world\n' >README; seq 9 >n; git add n; echo 10 >>n; mv run.sh ran.sh; git add -N ran.sh
        chmod +x empty
        for form in --stat --numstat --shortstat --dirstat --summary --name-only --name-status --raw --word-diff -w \
            --check \
            --compact-summary -U0 '--color=always' --patch-with-raw --full-index -R --exit-code '--diff-filter=A' \
            '-S10'; do
            echo "== $form"; git diff $form; git diff --cached $form; git diff HEAD $form
        done
        git diff -- src; git diff --quiet; echo $?; git diff HEAD:README README; git diff-files; git diff-index HEAD
        git diff-tree -p HEAD; git diff -M --cached; git diff --no-index empty n; git range-diff HEAD..HEAD HEAD..HEAD
    """,
    "log and show": r"""
        echo a >>README; git commit -qam a; git tag -a -m tagged v1; git notes add -m noted; git mv README READ
        git commit -qm moved; git log --oneline --decorate --stat; git log -p -M -C; git log --follow --format=%s READ
        git log -S hello --format=%s; git log -G hello --format=%s; git log -L1,1:READ
        git log --name-status -z | tr '\0' @
        git show v1 HEAD:READ HEAD^{tree}; git show --format=raw; git shortlog -s HEAD; git rev-list --objects HEAD
        git whatchanged -1; git log --graph --all --format=%s; git cat-file -p HEAD^{tree}; git log HEAD..
        git show-ref v1
        git describe; git describe --tags --dirty; echo x >>READ; git describe --dirty; git name-rev HEAD; git tag -n
        git notes list; git notes remove HEAD~1; git update-ref -d refs/notes/commits; git tag -d v1
        git show-branch HEAD
        git cherry HEAD~1
    """,
    "tags, branches, refs": r"""
        git branch topic; git branch -m topic renamed; git branch --list 'ren*' -v; git tag light
        git tag -a x -m annotated
        git for-each-ref --format='%(refname) %(objecttype)' refs/heads/renamed refs/tags
        git update-ref refs/heads/u HEAD
        git symbolic-ref HEAD; git rev-parse --verify renamed; git branch -d renamed u; git tag -d light x
        git check-ref-format --branch topic; git branch --show-current; git branch --contains HEAD --list main
    """,
    "index formats": r"""
        git update-index --split-index; git status -s; echo x >x; git add x; git update-index --no-split-index
        git update-index --untracked-cache; git status -s; touch y; git status -s; git update-index --no-untracked-cache
        git status -s; git update-index --force-write-index; git ls-files -s; git fsck --no-dangling; echo $?
    """,
    "upkeep": r"""
        for i in 1 2 3; do echo $i >>README; git commit -qam "n $i"; done; git gc -q; git status -s; git repack -adq
        git prune; git fsck --no-dangling; git maintenance run --quiet --task=commit-graph --task=loose-objects
        git commit-graph write --reachable; git multi-pack-index write; git log --format=%s; git status -s
        git pack-refs --all
        git reflog expire --expire=now --all; git gc -q --prune=now; git log --format=%s; git status -s; git rerere gc
    """,
    "bundle and clone": r"""
        echo more >>README; git commit -qam more; git bundle create ../bundle HEAD; git bundle verify -q ../bundle
        git clone -q ../bundle ../from; git -C ../from log --format=%s; git clone -q . ../of ; ls -A ../of
        git -C ../of rev-parse HEAD; git clone -q --shared . within; git -C within status -sb; git status -s
        rm -rf ../bundle ../from ../of within
    """,
    "rerere": r"""
        git config rerere.enabled true; base=$(git rev-parse HEAD); echo a >README; git commit -qam a
        one=$(git rev-parse HEAD)
        git checkout -q $base; echo b >README; git commit -qam b; git merge $one; git rerere status; git rerere diff
        echo ab >README; git commit -qam merged; git reset -q --hard HEAD~1; git merge $one; cat README
        git reset -q --hard
        git config --unset rerere.enabled; rm -rf $(git rev-parse --git-common-dir)/rr-cache
    """,
    "conflicts and their tools": r"""
        base=$(git rev-parse HEAD); echo a >README; git commit -qam a; one=$(git rev-parse HEAD); git checkout -q $base
        echo b >README; git commit -qam b; git merge -q $one; git show :1:README :2:README :3:README
        git config merge.tool fake; git mergetool --tool-help >/dev/null
        git -c mergetool.fake.cmd='cat "$LOCAL" "$REMOTE" >"$MERGED"' -c mergetool.fake.trustExitCode=true mergetool -y
        git config --unset merge.tool; git status -s; ls -A; cat README; git commit -qm merged; git clean -fdx
        git -c diff.tool=t -c difftool.t.cmd='cat "$LOCAL" "$REMOTE"' difftool -y HEAD~1
        git difftool --dir-diff -x 'ls -A' -y HEAD~1 | grep -v git-difftool
        git merge-file -p README README README; git checkout --conflict=diff3 -- README; cat README
    """,
    "external programs": r"""
        echo more >>README; git -c core.pager=cat diff; git -c diff.external=true diff
        GIT_EXTERNAL_DIFF=echo git diff >/dev/null
        printf '*.md diff=up\n' >.gitattributes; git -c diff.up.textconv='tr a-z A-Z <' diff; git stripspace <README
        git var GIT_EDITOR; git -c alias.st='status -s' st; git -c alias.sh='!pwd' sh; git --no-optional-locks status -s
        git --literal-pathspecs status -s; git -c core.quotePath=false status -s; git rev-parse --show-toplevel
        git rev-parse --is-inside-git-dir --is-bare-repository --is-inside-work-tree --is-shallow-repository
    """,
    "odd names": r"""
        printf x >'a b'; printf x >"$(printf 'tab\there')"; printf x >"$(printf 'new\nline')"
        printf x >"$(printf 'l\344tin')"
        printf x >'ünï'; printf x >'*'; printf x >'"quoted"'; printf x >-dash; printf x >'back\slash'; git add -A
        git status
        git commit -qm odd; git ls-tree -r HEAD; git mv -- -dash dash; git rm -q '\*'; git rm -q ':(literal)*'
        git status -s
        git checkout -q HEAD -- .; git stash; git clean -n; git diff HEAD~1 --stat
    """,
    "kinds that change": r"""
        rm README; ln -s run.sh README; rm link; echo file >link; rm -r src; echo src >src; rm empty; mkdir empty
        touch empty/x
        chmod -x run.sh; git status; git diff; git add -A; git commit -qm kinds; git show --raw --stat
        git checkout -q HEAD~1
        ls -AR . | sort; git checkout -q -; ls -AR . | sort; git diff HEAD~1 --raw; git reset -q --hard HEAD~1
        git status -s
    """,
    "subtree of history": r"""
        for i in 1 2 3; do echo $i >>src/main.py; git commit -qam "n $i"; done; git log --format=%s -- src
        FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --subdirectory-filter src -- HEAD~3..HEAD 2>&1 | tail -1
        git log --format='%T %s'; ls -A; git fast-export HEAD~1..HEAD | head -5; git replay 2>/dev/null
        git archive HEAD | tar -t
    """,
    "add in parts": r"""
        echo more >>README; echo u >src/u; rm empty; chmod +x src/main.py
        git add -n .; git add -v -u; git status -s; git reset -q; git add -N src/u; git status -s; git diff
        git add -A src
        git status -s; git add --chmod=+x README; git ls-files -s; git add x.log; echo x >x.log; git add x.log; echo $?
        git add -f x.log; git status -s; git add missing; echo $?; git add --renormalize .; git status -s
    """,
    "checkout in parts": r"""
        seq 30 >>README; printf 'y\n' | git checkout -p; git status -s; rm README; git checkout README; cat README
        git checkout -q -- nothing; echo $?; echo x >untracked; git checkout -f; cat untracked
        git checkout-index -a -f --prefix=out/; ls -AR out; git checkout @{-1}; echo $?
    """,
    "blame and grep": r"""
        seq 5 >n; git add n; git commit -qm n; sed -i 's/3/three/' n; git blame -s n; git blame -w -M -C HEAD -- n
        git blame -L2,3 -e n; git annotate n; git grep -n three; git grep -c . ; git grep --cached -l 3
        git grep -e hello --and -e print; git grep -h -o 'hel*' HEAD; git grep -W print; git grep --untracked -l 5
        git grep nowhere; echo $?
    """,
    "ls-files": r"""
        echo m >>README; rm empty; echo o >o; touch x.log; git rm -q --cached run.sh; ln -sfn nowhere link
        for form in -m -o -d -s -i\ -o\ --exclude-standard -o\ --directory -v -t --eol -z --stage\ --full-name -c -k \
            -u; do
            echo "== $form"; git ls-files $form | tr '\0' '@'
        done
        git ls-files --error-unmatch nothing; echo $?; git ls-files --format='%(objectmode) %(path)'; cd src
        git ls-files ..
    """,
    "sparse-checkout": r"""
        git sparse-checkout set --no-cone /README; ls -A; git status -s; git ls-files -t; git sparse-checkout list
        echo x >new; git add new; git sparse-checkout add /src/; ls -A; git sparse-checkout reapply
        git sparse-checkout set --cone src/deep; ls -AR src; git sparse-checkout disable; ls -AR . | sort; git status -s
        git config --get core.sparseCheckout; git config --worktree --unset-all core.sparseCheckoutCone
    """,
    "index plumbing": r"""
        tree=$(git write-tree); echo more >>README; git update-index README; git diff --cached --stat
        git read-tree $tree
        git status -s; git read-tree -m -u HEAD; git update-index --refresh; git checkout README
        git update-index --really-refresh
        git update-index --chmod=+x README; git status -s; git update-index --force-remove empty; git status -s
        git read-tree --reset -u HEAD; git status -s; git read-tree --prefix=copy/ HEAD:src; git checkout-index -a
        ls -A copy
        git update-index --index-version 4; git status -s; git update-index --skip-worktree README; echo x >README
        git status -s; git update-index --no-skip-worktree README; git status -s
        git update-index --index-info </dev/null
        git mktree </dev/null; git hash-object README -w; git commit-tree -m plumbing $tree
    """,
    "another index": r"""
        echo more >>README; echo n >n; GIT_INDEX_FILE=../index git read-tree HEAD
        GIT_INDEX_FILE=../index git add -A; GIT_INDEX_FILE=../index git write-tree
        GIT_INDEX_FILE=../index git diff --cached --stat HEAD; rm ../index; git status -s; git diff --stat
        GIT_WORK_TREE=$PWD GIT_DIR=$(git rev-parse --absolute-git-dir) git -C / status -s
    """,
    "remotes": r"""
        git init -q --bare ../away; git remote add away ../away; echo more >>README; git commit -qam more
        git push -q away HEAD:refs/heads/topic; git ls-remote ../away; git clone -q -b topic ../away ../other
        echo theirs >../other/theirs; git -C ../other add .; git -C ../other commit -qm theirs
        git -C ../other push -q; git fetch -q away; git log --format=%s HEAD..away/topic; git pull -q away topic; ls -A
        echo mine >mine; git add mine; git commit -qm mine; git push -q away HEAD:topic
        git push away HEAD~1:topic 2>/dev/null
        echo $?; git -C ../other pull -q; ls -A ../other; git pull -q --rebase away topic; git status -s; git remote
        git remote remove away; rm -rf ../away ../other
    """,
    "a hook that formats": r"""
        hooks=$(git rev-parse --git-path hooks); mkdir -p $hooks
        printf '#!/bin/sh\nsed -i s/x/y/ new && git add new\n' >$hooks/pre-commit; chmod +x $hooks/pre-commit
        echo x >new; git add new; git commit -qm new; git show HEAD:new; git status -s; rm -r $hooks
    """,
    "worktrees": r"""
        git worktree add -q --detach ../third; ls -A ../third; git -C ../third status -sb
        git worktree remove ../third; git worktree prune -v
    """,
}
"""What is run now and then."""
