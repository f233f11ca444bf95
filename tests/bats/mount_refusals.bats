#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What an errno cannot say stands in .driftfs/errors: which rule it was.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	echo '{"v":1}' >$rows/a.json
	echo '{"v":2}' >$rows/a.json
	past=mnt/@seq/1/tables/t/rows
}

# refused ERRNO PATH WHY COMMAND...: it fails, and the newest line of the errors has
# that errno, that path and what matches the pattern WHY.
refused()
{
	local wanted="$1 $2" why=$3

	shift 3
	run bash -c "$*" </dev/null
	[ "$status" != 0 ] || { echo "succeeds: $*"; return 1; }
	same "$(tail -n 1 mnt/.driftfs/errors | jq -r '.errno + " " + .path')" "$wanted"
	output=$(tail -n 1 mnt/.driftfs/errors | jq -r .text)
	says "$why"
}

@test "what has no place in the tree is refused with the rule of that place" {
	refused EPERM '' 'make "x".*tables/ takes' mkdir mnt/x
	refused EPERM '' 'remove "query"' rm mnt/query
	refused EPERM '' 'rename "events"' mv mnt/events mnt/e
	refused EPERM tables 'make "x".*made by mkdir' touch mnt/tables/x
	refused EPERM tables/t 'make "x".*rows are in rows/' mkdir mnt/tables/t/x
	refused EPERM tables/t 'remove "count".*rmdir of the table' rm mnt/tables/t/count
	refused EPERM tables/t/by 'make "x".*follows from' mkdir mnt/tables/t/by/x
	refused EPERM tables/t/rows 'make "d".*row is a file' mkdir $rows/d
	for link in ln 'ln -s' 'cp -al'; do
		refused EPERM tables/t/rows 'make "b.json".*no directories, links' \
			$link $rows/a.json $rows/b.json
	done
	refused EPERM tables/t/rows 'make "p"' mkfifo $rows/p
	refused EPERM tables 'rename "a.json"' mv $rows/a.json mnt/tables
	refused ENOTEMPTY tables/t 'has rows' rmdir mnt/tables/t
	mkdir mnt/tables/u
	refused EEXIST tables '"u" already exists' mv -T mnt/tables/t mnt/tables/u
	refused EINVAL @tag 'leads to a moment' ln -s nowhere mnt/@tag/x
	refused EACCES tables/t/count 'only be read' 'echo 1 >mnt/tables/t/count'
	refused EACCES .driftfs/version 'only be read' 'echo 1 >mnt/.driftfs/version'
	same "$(jq -c . $rows/a.json)" '{"id":"a","v":2}'
}

@test "rm -r of a table deletes its rows, and says why the table is still there" {
	run rm -r mnt/tables/t
	[ "$status" != 0 ]
	same "$(ls -A $rows)" ''
	grep -q 'cannot remove \\"rows\\": rows are in rows/; rmdir of the table drops it' \
		mnt/.driftfs/errors
	rmdir mnt/tables/t
	same "$(ls mnt/tables)" ''
	same "$(jq -c . mnt/@seq/2/tables/t/rows/a.json)" '{"id":"a","v":2}'
}

@test "changes to the past are refused with what to do instead" {
	refused EROFS tables/t/history/a/1.json 'does not change' "echo '{}' >$past/a.json"
	refused EROFS tables/t/history/a/1.json 'does not change' chmod 600 $past/a.json
	refused EROFS @seq/1/tables/t/rows 'remove "a.json".*copied from it' rm -f $past/a.json
	refused EROFS @seq/1/tables/t/rows 'make "b.json"' cp $rows/a.json $past/b.json
	refused EROFS @seq/1/tables 'make "u"' mkdir mnt/@seq/1/tables/u
	refused EROFS @seq 'make "x"' mkdir mnt/@seq/x
	refused EROFS tables/t/history/a 'remove "1.json"' rm -f mnt/tables/t/history/a/1.json
	refused EROFS tables/t/history/a 'does not change' touch mnt/tables/t/history/a
	refused EROFS tables/t/history 'does not change' chmod 700 mnt/tables/t/history
	refused EROFS @time 'does not change' chmod 700 mnt/@time
	refused EROFS @diff/1..2 'make "x"' mkdir mnt/@diff/1..2/x
	same "$(readlink mnt/@seq/head)" 2
}
