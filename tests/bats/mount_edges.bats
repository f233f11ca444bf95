#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The largest and oddest documents: what is taken comes back bit by bit, what is beyond
# is refused by its error number, told in .driftfs/errors, and changes nothing.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
	row=$rows/a.json
}

# taken DOCUMENT [VALUE]: stored, and its v reads back as VALUE (as it was written).
taken()
{
	local value=${2:-$(sed -E 's/^\{"v":(.*)\}$/\1/' <<<"$1")}

	printf '%s' "$1" >$row
	same "$(sed -nE 's/^  "v": (.*)$/\1/p' $row)" "$value"
	# What was read can be written, and is the same.
	local head
	head=$(readlink mnt/@seq/head)
	cat $row >copy
	cat copy >$row
	same "$(readlink mnt/@seq/head)" "$head"
}

# refused ERRNO FILE: what FILE holds is refused, the row as it was.
refused()
{
	local before

	echo '{"v":"kept"}' >$row
	before=$(wc -l <mnt/.driftfs/errors)
	# perl tells errno, of write or of close, whichever says it first.
	run perl -e 'local $/; open I, "<", $ARGV[0]; $text = <I>; open F, ">", $ARGV[1] or die;
		sub told { die $!{$ARGV[2]} ? "as told\n" : "$!\n" }
		for ($at = 0; $at < length $text; $at += $size) {
			$size = syswrite(F, $text, length($text) - $at, $at) // told;
		}
		close F or told' "$2" $row "$1"
	[ "$output" = 'as told' ] || printf '%s, should be %s: %s\n' "$output" "$1" "$(head -c 80 "$2")"
	[ "$output" = 'as told' ]
	same "$(jq -r .v $row)" kept
	same "$(tail -n +$((before + 1)) mnt/.driftfs/errors | jq -r .errno)" "$1"
}

@test "numbers come back as they were written, or are refused" {
	for v in 0 -1 9223372036854775807 -9223372036854775808 9007199254740993 0.1 -0.0 \
		1e+308 2.2250738585072014e-308 5e-324 1.7976931348623157e+308; do
		taken "{\"v\":$v}"
	done
	for v in 9223372036854775808 -9223372036854775809 18446744073709551615 1e309 -1e309 \
		1e999999999 01 +1 .5 1. 0x10 NaN Infinity -Infinity --1; do
		echo "{\"v\":$v}" >bad
		refused EINVAL bad
	done
}

@test "texts: every plane comes back; what is no text is refused" {
	taken '{"v":"\u00e9\ud83d\ude00\u0001\u001f\"\\\/\b"}' '"é😀\u0001\u001f\"\\/\b"'
	taken '{"v":"'$'\x7f\u2028\ufeff\uffff''"}' '"\u007f'$'\u2028\ufeff\uffff''"'
	for text in '"\u0000"' '"\ud800"' '"\udc00\ud800"' '"\ud83dx"' '"\x"' '"\u12"' \
		$'"\xc0\xaf"' $'"\xed\xa0\x80"' $'"\xf4\x90\x80\x80"' $'"\xff"' $'"\xe2\x82"' \
		$'"a\nb"' $'"a\tb"' $'"\x01"'; do
		printf '{"v":%s}\n' "$text" >bad
		refused EINVAL bad
	done
	# Names of members are texts, too.
	printf '{"v":1,"\\u0000":1}' >bad
	refused EINVAL bad
}

@test "what is not one JSON object is refused" {
	for text in '[{}]' '1' '"x"' 'null' '{"v":1,"v":2}' '{"v":{"a":1,"a":1}}' '{"v":1} x' \
		'{"v":1}{"v":1}' '{"v":1},' '{v:1}' "{'v':1}" '{"v":1,}' '{"v":[1,]}' '{,}' \
		'{"v" 1}' '{"v":tru}' '{"v":truee}' '//{}' '{"v":1/**/}' $'\xef\xbb\xbf{"v":1}' \
		'{"id":"b"}' '{"id":1}' '{"id":null}'; do
		printf '%s\n' "$text" >bad
		refused EINVAL bad
	done
	# A NUL behind the document, and a hole before it.
	printf '{"v":1}\0' >bad
	refused EINVAL bad
	truncate -s 0 bad
	printf '{"v":1}' | dd of=bad bs=1 seek=4096 status=none
	refused EINVAL bad
}

@test "128 levels and not 129" {
	nested() { printf '{"v":%s1%s}' "$(printf '[%.0s' $(seq "$1"))" "$(printf ']%.0s' $(seq "$1"))"; }
	nested 127 >deep
	cp deep $row
	jq -c .v $row | cmp - <(jq -c .v deep)
	nested 128 >bad
	refused EINVAL bad
	nested 100000 >bad
	refused EINVAL bad
}

@test "16 MiB and not one byte more" {
	sized() { { printf '{"id":"a","v":"'; head -c $(($1 - 17)) /dev/zero | tr '\0' x; printf '"}'; }; }
	sized $((16 << 20)) >large
	same "$(stat -c %s large)" $((16 << 20))
	cp large $row
	same "$(jq -r .v $row | sha256sum)" "$(jq -r .v large | sha256sum)"
	same "$(stat -c %s $row)" "$(wc -c <$row)"
	sized $(((16 << 20) + 1)) >bad
	refused EFBIG bad
}

@test "100,000 members come back in their order" {
	seq 100000 | awk 'BEGIN { printf "{" }
		{ printf "%s\"m%d\":%d", (NR > 1 ? "," : ""), 7919 * $1 % 100003, $1 } END { print "}" }' >many
	cp many $row
	jq -c 'del(.id)' $row | cmp - <(jq -c . many)
}

@test "a document edited in place, or with a hole, is judged as a whole" {
	printf '{"v":1}' >$row
	# A hole at the end reads as NULs.
	fails_with 22 perl -e 'open F, "+<", $ARGV[0]; truncate(F, -s F) or exit 1; sysseek(F, 5000, 0);
		syswrite(F, " ") // exit $!+0; close F or exit $!+0' $row
	same "$(jq .v $row)" 1
	fails_with 22 perl -e 'open F, "+<", $ARGV[0]; sysseek(F, -2, 2); syswrite(F, "x") // exit $!+0;
		close F or exit $!+0' $row
	same "$(jq .v $row)" 1
}
