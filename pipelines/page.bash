# page.bash - what the pages of report are made of: pictures by gnuplot, tables, the frame around them.
# shellcheck shell=bash
#
# Reads: here; dir, the folder that the pages are about; tmp; reload, seconds after which a browser asks
# for the page again, if it is not empty.

names=() # the pictures that there are

# picture NAME CAPTION SETUP FUNCTION ...: NAME.svg and NAME.png of the plot commands that FUNCTION
# writes, unless there is nothing to draw
picture() {
	local name=$1 caption=$2 setup=$3 size=${picture_size:-520,380}
	shift 3
	"$@" >"$tmp/plot" || return 0
	{
		echo 'set grid linecolor rgb "#aaaaaa"; set key above maxrows 4 font ",11" noenhanced'
		echo 'set border 3; set tics nomirror; set samples 2'
		echo "$setup"
		echo "set terminal svg size $size font 'sans-serif,12' noenhanced name '${name//[^A-Za-z0-9]/_}'"
		echo "set output '$tmp/$name.svg'"
		cat "$tmp/plot"
		echo "set output; set terminal pngcairo size $size font 'sans,10' noenhanced"
		echo "set output '$tmp/$name.png'"
		cat "$tmp/plot"
		echo 'set output'
	} >"$tmp/script"
	gnuplot "$tmp/script" 2>"$tmp/said" || die 4 "picture $name: gnuplot: $(tail -n 1 "$tmp/said")"
	mkdir -p "$dir/pictures"
	mv "$tmp/$name.svg" "$tmp/$name.png" "$dir/pictures/"
	names+=("$name")
	printf '%s\n' "$caption" >"$tmp/$name.caption"
}

# drawing NAME: the picture within the page, in the page's colours
drawing() {
	sed -n '/<svg/,$p' "$dir/pictures/$1.svg" | sed -e "s/'black'/'currentColor'/g" \
		-e 's/"black"/"currentColor"/g' -e 's/rgb( *0, *0, *0)/currentColor/g' \
		-e '/<title>/d; /<desc>/d' -e '/<filter/,/<\/filter>/d'
}

figure() { # NAME
	[ -e "$tmp/$1.caption" ] || return 0
	printf '<figure%s>\n' "$([ "$1" != map ] || echo ' class="all"')"
	drawing "$1"
	printf '<figcaption>%s</figcaption></figure>\n' "$(escaped <"$tmp/$1.caption")"
}

escaped() {
	sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}

html_table() { # [CLASS] of tab-separated values; an interval is small, a difference that is clear is bold
	printf '<div class="wide"><table%s>\n' "${1:+ class="$1"}"
	escaped | sed -E 's/(^|\t)([-+][0-9][^\t[]*[^\t[ ]) \[([-+])([^]\t]*, \3)/\1<b>\2<\/b> [\3\4/g
		s/ ?\[[^]\t]*\]/<br><small>&<\/small>/g
		1 { s/\t/<\/th><th>/g; s/.*/<tr><th>&<\/th><\/tr>/; b }
		s/\t/<\/td><td>/g; s/.*/<tr><td>&<\/td><\/tr>/'
	echo '</table></div>'
}

page_head() { # TITLE
	cat <<-END
		<!DOCTYPE html>
		<html lang="en"><head><meta charset="utf-8"><title>$1</title>
		<meta name="viewport" content="width=device-width, initial-scale=1">
		<meta name="color-scheme" content="light dark">
	END
	[ -z "${reload:-}" ] || printf '<meta http-equiv="refresh" content="%s">\n' "$reload"
	echo '<style>'
	sed '1d; s/^\t*//' "$here/report.css"
	printf '</style></head><body>\n<h1>%s</h1>\n' "$1"
}

# write_page FUNCTION: what it writes becomes the page, whole or not at all
write_page() {
	"$1" >"$out.part"
	mv "$out.part" "$out"
}
