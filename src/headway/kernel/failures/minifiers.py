"""What makes scripts small, and reads them only as far as the syntax goes that it knows."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_OLDER = "the minifier is older than the syntax of the source"
# What it meets where it knows no arrow, class, template or "?."; a file that merely ends too early is none of these.
_UNKNOWN = r"Unexpected (?:token:? .{0,2}(?:name|operator|punc|template|keyword)\b|character '[`#]')"

RULES: tuple[Rule, ...] = (
    rule(
        rf"^.{{0,40}}(?P<line>Uglifier::Error: {_UNKNOWN}.{{0,160}})",
        _OLDER,
        "write Uglifier.new(harmony: true) in config/environments/production.rb, or, where that is written already, take the gem "
        "terser in its place (config.assets.js_compressor = :terser), and commit",
    ),
    rule(
        rf"^ERROR in \S{{1,200}} from UglifyJs\n(?:SyntaxError: )?{_UNKNOWN}.{{0,240}}",
        _OLDER,
        "take TerserPlugin (terser-webpack-plugin) in place of UglifyJsPlugin in webpack's configuration, or have Babel "
        "transpile the package that the line names, and commit",
    ),
    rule(
        rf"^(?:ERROR in \S{{1,200}} from Terser|\S{{1,200}} from Terser plugin)\n(?:SyntaxError: )?{_UNKNOWN}.{{0,240}}",
        _OLDER,
        "take a newer terser ('npm update terser'), or have Babel transpile the file or package that the line names, and commit",
    ),
    rule(
        rf"^.{{0,40}}(?P<line>Terser::Error: {_UNKNOWN}.{{0,160}})",
        _OLDER,
        "take a newer one ('bundle update terser'), and commit Gemfile.lock",
    ),
)
