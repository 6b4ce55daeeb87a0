#!/bin/sh
# Renders release notes as HTML: one list item for each line.
set -eu
echo "<h1>$TITLE</h1>"
echo '<ul>'
sed 's|.*|  <li>&</li>|' "$1"
echo '</ul>'
