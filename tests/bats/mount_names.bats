#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Names: one key, one name, whatever is in the key.
load lib

setup()
{
	begin_test
	new_mount
	mkdir mnt/tables/t
	rows=mnt/tables/t/rows
}

@test "any key has a name, and the name leads back" {
	cat >sql <<-'SQL'
		INSERT INTO t {"id":"../x"}, {"id":"/etc/passwd"}, {"id":"."}, {"id":".."},
			{"id":"50%"}, {"id":"a\nb"}, {"id":"tab\there"}, {"id":"ü€😀"},
			{"id":"with space"}, {"id":"a,b"}, {"id":".hidden"}, {"id":"x.json"},
			{"id":12}, {"id":"-"}, {"id":"'quoted\""}, {"id":"\u007f"};
	SQL
	driftdb sql -d db -f sql
	same "$(ls $rows | sort | tr '\n' '|')" "$(printf '%s\n' %2E.json %2E..json \
		%2E.%2Fx.json %2Fetc%2Fpasswd.json 50%25.json a%0Ab.json tab%09here.json \
		'ü€😀.json' 'with space.json' a,b.json %2Ehidden.json x.json.json 12.json \
		-.json "'quoted\".json" %7F.json |
		sort | tr '\n' '|')"
	for name in "$rows"/*; do
		key=$(jq -r '.id | tostring' "$name")
		echo "{\"seen\":true}" >>"$name"
		same "$(jq -r '.id | tostring' "$name")" "$key"
		same "$(jq .seen "$name")" true
	done
	same "$(driftdb sql -d db -e 'SELECT count(*) AS n FROM t WHERE seen')" '{"n":16}'
}

@test "a name that is not canonical is refused when made and missing when looked up" {
	echo '{}' >"$rows/a%2Fb.json"
	for name in a%2fb.json %41.json 'x%.json' '100%zz.json' $'a\nb.json' $'\x7f.json'; do
		[ ! -e "$rows/$name" ]
		fails_with 1 bash -c 'echo "{}" >"$1"' - "$rows/$name"
		says 'Invalid argument'
	done
	fails_with 1 touch "$rows/"$'\xc0\xaf.json'
	says 'Invalid or incomplete multibyte'
	[ ! -e "$rows/"$'\xff.json' ]
	same "$(ls $rows)" a%2Fb.json
}

@test "names are at most 255 bytes, keys fit into them" {
	long=$(printf 'x%.0s' {1..250})
	echo '{}' >$rows/$long.json
	same "$(jq -r .id $rows/$long.json)" "$long"
	for act in touch stat cat rm mkdir "mv $rows/$long.json"; do
		fails_with 1 $act $rows/x$long.json
		says 'File name too long'
	done
	fails_with 1 driftdb sql -d db -e "INSERT INTO t {\"id\":\"x$long\"}"
	mkdir mnt/tables/$(printf 'y%.0s' {1..200})
	fails_with 1 mkdir mnt/tables/$(printf 'y%.0s' {1..201})
	fails_with 1 mkdir mnt/tables/$(printf 'y%.0s' {1..256})
	says 'File name too long'
}

@test "integer, real and composite keys" {
	driftdb sql -d db -e 'CREATE TABLE n (k INTEGER PRIMARY KEY, v TEXT);
		CREATE TABLE c (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b))'
	echo '{"v":"x"}' >mnt/tables/n/rows/-5.json
	same "$(jq -c . mnt/tables/n/rows/-5.json)" '{"k":-5,"v":"x"}'
	for name in 007 +1 -0 1.5 x 99999999999999999999; do
		fails_with 1 bash -c 'echo "{}" >"$1"' - mnt/tables/n/rows/$name.json
	done
	for i in 10 9 -10 100; do
		echo '{}' >mnt/tables/n/rows/$i.json
	done
	same "$(ls -U mnt/tables/n/rows | tr '\n' ' ')" \
		'-10.json -5.json 9.json 10.json 100.json '
	mv mnt/tables/n/rows/9.json mnt/tables/n/rows/8.json
	same "$(jq -c . mnt/tables/n/rows/8.json)" '{"k":8}'
	echo '{"v":"y"}' >'mnt/tables/c/rows/x%2Cy,7.json'
	same "$(jq -c . 'mnt/tables/c/rows/x%2Cy,7.json')" '{"a":"x,y","b":7,"v":"y"}'
	mv 'mnt/tables/c/rows/x%2Cy,7.json' mnt/tables/c/rows/z,8.json
	same "$(jq -c . mnt/tables/c/rows/z,8.json)" '{"a":"z","b":8,"v":"y"}'
	fails_with 1 bash -c 'echo "{\"v\":5}" >mnt/tables/n/rows/1.json'
	same "$(ls mnt/tables/c/history | tr '\n' ' ')" 'x%2Cy,7 z,8 '
}

@test "table names are escaped as keys are" {
	mkdir 'mnt/tables/a%2Fb' 'mnt/tables/with space' mnt/tables/ü
	same "$(ls mnt/tables | tr '\n' '|')" 'a%2Fb|t|with space|ü|'
	echo '{}' >'mnt/tables/a%2Fb/rows/x.json'
	driftdb sql -d db -e 'SELECT id FROM "a/b"' | grep -q x
	fails_with 1 mkdir mnt/tables/%41
	fails_with 1 mkdir mnt/tables/t
	says 'File exists'
}

@test "a directory listed while it changes: each entry once, cookies stay good" {
	driftdb sql -d db -f <(
		echo 'BEGIN;'
		for i in {10000..16000}; do
			echo "INSERT INTO t {\"id\":\"k$i\"};"
		done
		echo 'COMMIT;') >/dev/null
	same "$(ls -U $rows | sort | uniq | wc -l)" 6001
	"$BUILD/tests/bats/listing" $rows 6001
	same "$(find $rows -newer db | wc -l)" "$(find $rows -newer db | sort -u | wc -l)"
}

# odd_names: one name a line as JSON texts: what ends paths, steers terminals, is escaped,
# looks like an option or like another name of the tree, or alike.
odd_names()
{
	jq -cn '[range(1; 32), 127 | "a" + ([.] | implode) + "b"] + [
		"/", "//", "x/../../y", "/etc/passwd", ".", "..", "...", "../x", ".x",
		"%", "%%", "%2F", "%2f", "%41", "100%", "a%0Ab", "a\nb\n", "\n", "\u001b[31mred",
		" ", " x ", "-rf", "--", "*", "?", "[a]", "~", "$HOME", "`x`", "a\\b", "\\",
		"\"", "'"'"'", "a,b", ",", "a;b", "a|b", "#", "x.json", ".json", "json", "x.jso",
		"rows", "@seq", "@time", "query", "events", "count", "history", ".driftfs", "NULL",
		"É", "É", "ß", "ẞ", "a", "A", "é", "e\u0301", "ﬁ", "fi", "\u202egnp", "\ufeff",
		"\u200b", "日本語", "😀", "\ue000", "\uffff", "\u00a0"]
		| unique | .[]' |
		awk -v every="$((SLOW > 1 ? 4 : 1))" 'NR % every == 0'
}

@test "any key goes round through ls, cat, cp, rm, @seq, history and @diff" {
	{ odd_names && jq -n '"x" * 250, "/" * 83 + "x", "😀" * 62 + "xy"'; } |
		jq -c '{id: .}' >rows.in
	cp rows.in mnt/tables/t/import.jsonl
	same "$(find $rows -type f -printf . | wc -c)" "$(wc -l <rows.in)"
	jq -cS . $rows/* | sort | cmp - <(jq -cS . rows.in | sort)
	cp -r $rows out
	diff -r $rows out
	seq=$(readlink mnt/@seq/head)
	for name in $rows/*; do
		name=${name##*/}
		cmp "out/$name" "$rows/$name"
		cmp "out/$name" mnt/tables/t/history/"${name%.json}"/*
		rm -- "$rows/$name"
		[ ! -e "$rows/$name" ]
	done
	same "$(ls -A $rows)" ''
	diff -r out mnt/@seq/$seq/tables/t/rows
	same "$(find mnt/@diff/$seq..head/t -mindepth 1 -maxdepth 1 | wc -l)" \
		"$(wc -l <rows.in)"
	cp -r out/. $rows/
	jq -cS . $rows/* | sort | cmp - <(jq -cS . rows.in | sort)
	for name in out/*; do
		name=${name##*/}
		mv -- "$rows/$name" "$rows/moved"
		mv -- "$rows/moved" "$rows/$name"
	done
	diff -r out $rows
	driftdb sql -d db -e 'DELETE FROM t'
	same "$(ls -A $rows)" ''
}

@test "a table may be called anything, too" {
	odd_names >names
	jq -r '"CREATE TABLE \"" + gsub("\""; "\"\"") + "\" (pk=id);
		INSERT INTO \"" + gsub("\""; "\"\"") + "\" {\"id\":\"x\"};"' names >sql
	jq -cS . names | sort >wanted
	driftdb sql -q -d db -f sql
	seq=$(readlink mnt/@seq/head)
	for table in mnt/tables/* mnt/tables/.[!.]*; do
		[ -e "$table" ] || continue
		[ "$table" != mnt/tables/t ] || continue
		same "$(jq -r .id "$table/rows/x.json")" x
		echo '{"v":1}' >"$table/rows/y.json"
		same "$(cat "$table/count")" 2
		rm "$table"/rows/*.json
		jq .table "$table/schema.json" >>found
		rmdir "$table"
	done
	jq -cS . found | sort | cmp - wanted
	same "$(ls -A mnt/tables)" t
	same "$(ls mnt/@seq/$seq/tables | wc -l)" "$(($(wc -l <names) + 1))"
}

@test "the parts of a composite key may be anything, commas too" {
	driftdb sql -q -d db -e 'CREATE TABLE c (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (a, b, c))'
	odd_names | jq -c '{a: ., b: -7, c: .}, {a: ., b: 12, c: ("," + . + ",")}' >rows.in
	cp rows.in mnt/tables/c/import.jsonl
	cp -r mnt/tables/c/rows out
	jq -cS . out/* | sort | cmp - <(jq -cS . rows.in | sort)
	rm mnt/tables/c/rows/*
	same "$(cat mnt/tables/c/count)" 0
	cp -r out/. mnt/tables/c/rows/
	diff -r out mnt/tables/c/rows
}

@test "names differ if one byte differs: neither case nor normal forms are folded" {
	for name in é $'e\u0301' É a A ﬁ fi; do
		echo "{\"n\":\"$name\"}" >$rows/$name.json
	done
	same "$(ls $rows | wc -l)" 7
	for name in é $'e\u0301' É a A ﬁ fi; do
		same "$(jq -r .n $rows/$name.json)" "$name"
	done
}

@test "a key that is empty or holds a NUL is refused, through every door" {
	fails_with 1 driftdb sql -d db -e 'INSERT INTO t {"id":""}'
	says 'empty'
	fails_with 1 driftdb sql -d db -e 'INSERT INTO t {"id":"a\u0000b"}'
	fails_with 1 bash -c "echo '{\"id\":\"\"}' >mnt/tables/t/import.jsonl"
	fails_with 1 bash -c "echo '{\"id\":\"a\\u0000b\"}' >mnt/tables/t/import.jsonl"
	fails_with 1 bash -c "echo '{}' >mnt/tables/t/rows/a%00b.json"
	[ ! -e $rows/%00.json ]
	same "$(cat mnt/tables/t/count)" 0
	same "$(grep -c . mnt/.driftfs/errors)" 3
}

@test "a name that can be no row's is refused by name, made or renamed to" {
	driftdb sql -d db -e 'CREATE TABLE u (a INTEGER, b TEXT, PRIMARY KEY (a, b))'
	echo '{}' >$rows/x.json
	refused() { # TEXT COMMAND...
		local text=$1 before
		shift
		before=$(wc -l <mnt/.driftfs/errors)
		fails_with 1 "$@"
		[ "$(wc -l <mnt/.driftfs/errors)" -gt "$before" ] # mv tries twice
		same "$(tail -n 1 mnt/.driftfs/errors | jq -r .text)" "$text"
	}
	refused 'invalid name "y.json": a row of "u" is called <a>,<b>.json' \
		bash -c 'echo "{}" >mnt/tables/u/rows/y.json'
	refused 'invalid name "x.json": a row of "u" is called <a>,<b>.json' \
		mv $rows/x.json mnt/tables/u/rows/x.json
	refused 'invalid name "%zz.json": a row of "t" is called <id>.json' \
		mv $rows/x.json $rows/%zz.json
	refused 'invalid name "50%"' mkdir mnt/tables/50%
	refused 'invalid name "50%"' mv mnt/tables/u mnt/tables/50%
	[ -e $rows/x.json ]
	[ -d mnt/tables/u ]
}
