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

	while IFS=$'\t' read -r tool expected; do
		[[ $tool == \#* ]] && continue
		command -v "$tool" >/dev/null || {
			echo "# no $tool here" >&3
			continue
		}
		got=
		for document in valid syntax truncated big key; do
			echo '{"v":1}' >$row
			before=$(wc -l <mnt/.driftfs/errors)
			cp $document given
			run write "$tool" given
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
		[ "$got" = $'\t'"$expected" ] || {
			printf 'is:        %s%s\nshould be: %s\t%s\n' "$tool" "$got" "$tool" "$expected"
			failed=1
		}
	done <"$ROOT/tests/bats/tools_matrix.tsv"
	return $failed
}
