#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Each tool with each kind of document: tools_matrix.tsv says how it ends.
load lib

setup()
{
	begin_test
	new_mount -o max_row=65536
	mkdir mnt/tables/t
	row=mnt/tables/t/rows/a.json
	echo '{"v":1}' >$row
	same "$(jq -c . $row)" '{"id":"a","v":1}'
	echo '{"id":"a","v":2}' >valid
	echo '{"id":"a","v":oops}' >syntax
	printf '{"id":"a","v":[1' >truncated
	{ printf '{"id":"a","v":"'; head -c 100000 /dev/zero | tr '\0' x; echo '"}'; } >big
	echo '{"id":"other","v":2}' >key
}

# What a person does in nano: cut everything, insert FILE, save. Its word on the
# bottom line is how that ended.
with_nano()
{
	"$BUILD/tests/bats/terminal" 24 80 env TERM=xterm nano --ignorercfiles $row <<-END >nano.out
		see [ Read
		type \\et\\x12$1\\r
		see [ Read
		type \\x0f
		see File Name to Write
		type \\r
		see Writing...
		see [
		see ]
	END
	cat nano.out
	grep -q '\[ Wrote' nano.out
}

# Check FILE out of a repository whose work tree is the table.
with_git()
{
	rm -rf repo
	git init -q repo
	cp "$1" repo/a.json
	git -C repo add a.json
	git -C repo -c user.name=x -c user.email=x commit -q -m x
	git -C repo --work-tree="$PWD/${row%/*}" checkout -f HEAD -- a.json
}

# write TOOL FILE: write what FILE holds over the row.
write()
{
	case $1 in
	bash) bash -c 'printf "%s\n" "$(<$1)" >$2' - "$2" $row ;;
	dash) dash -c 'x=$(cat $1); printf "%s\n" "$x" >$2' - "$2" $row ;;
	cat) bash -c 'cat $1 >$2' - "$2" $row ;;
	cp) cp "$2" $row ;;
	mv) mv "$2" $row ;;
	tee) tee $row <"$2" >tee.out ;;
	dd) dd status=none if="$2" of=$row ;;
	sed) sed -i -e "1r $2" -e '1,$d' $row ;;
	perl) perl -e 'local $/; open I, "<", $ARGV[0]; $x = <I>; open F, ">", $ARGV[1] or die $!;
		print F $x or die "$!\n"; close F or die "$!\n"' "$2" $row ;;
	rsync) rsync --inplace --whole-file -I "$2" $row ;;
	install) install "$2" $row ;;
	sort) sort -o $row "$2" ;;
	gawk | mawk) "$1" '{ print >out }' out=$row "$2" ;;
	tar) cp "$2" a.json && tar -cf a.tar a.json && tar -xf a.tar -C ${row%/*} ;;
	git) with_git "$2" ;;
	ed) printf '%s\n' 1,\$d "0r $2" w q | ed -s $row ;;
	vim) vim -V1 -es -u NONE -c '%d _' -c "0r $2" -c wq $row ;;
	nano) with_nano "$2" ;;
	emacs) emacs -Q --batch $row --eval '(progn (erase-buffer)
		(insert-file-contents "'"$PWD/$2"'") (save-buffer))' ;;
	python3) python3 -c 'import sys
with open(sys.argv[2], "w") as row: row.write(open(sys.argv[1]).read())' "$2" $row ;;
	node) node -e 'const fs = require("fs");
		fs.writeFileSync(process.argv[2], fs.readFileSync(process.argv[1]))' "$2" $row ;;
	esac
}

says_why()
{
	grep -qiE 'invalid argument|file too large|EINVAL|EFBIG' <<<"$output"
}

@test "each tool ends as the table says, and what is refused changes nothing" {
	local failed=0 before after got document tool expected

	documents='valid syntax truncated big key'
	# The daemon answers all tools alike: a sanitizer has seen it soon.
	[ "$SLOW" = 1 ] || documents='valid syntax'
	while IFS=$'\t' read -r tool expected; do
		[[ $tool == \#* ]] && continue
		command -v "$tool" >/dev/null || {
			echo "# no $tool here" >&3
			continue
		}
		got=
		for document in $documents; do
			echo '{"v":1}' >$row
			before=$(wc -l <mnt/.driftfs/errors)
			cp $document given
			run write "$tool" given </dev/null
			got+=$'\t'$status
			[ "$status" = 0 ] || { says_why && got+='!'; }
			if [ $document = valid ]; then
				[ "$(jq -c .v $row)" = 2 ] || { echo "$tool: not written"; failed=1; }
				continue
			fi
			if [ ! -e $row ]; then
				got+=-
			elif [ "$(jq -c . $row)" != '{"id":"a","v":1}' ]; then
				echo "$tool, $document: the row changed: $(head -c 100 $row)"
				failed=1
			fi
			after() { [ "$(wc -l <mnt/.driftfs/errors)" -gt "$before" ]; }
			eventually 5 after || { echo "$tool, $document: not told in errors"; failed=1; }
		done
		[ "$SLOW" = 1 ] || expected=$(cut -f 1-2 <<<"$expected")
		[ "$got" = $'\t'"$expected" ] || {
			printf 'is:        %s%s\nshould be: %s\t%s\n' "$tool" "$got" "$tool" "$expected"
			failed=1
		}
	done <"$ROOT/tests/bats/tools_matrix.tsv"
	return $failed
}
