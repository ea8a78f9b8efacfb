
# What all words that match begin with is put into the line as a word is: with a backslash before each blank. Where the
# line has that, it stays as it is, and the words are listed. bash by itself would put the blank there, and have two
# words of one.
__fgd_quote_common()
{
    local tab=$'\t' line word common="" first=1
    for line in "${completions[@]}"; do
        printf -v word '%q' "${line%%$tab*}"
        [[ $word == "$cur"* ]] || continue
        ((first)) && common=$word first=0
        while [[ $word != "$common"* ]]; do common=${common%?}; done
    done
    common=${common%\\}
    [[ $common == *\\* ]] || return 0
    if [[ $common == "$cur" ]]; then
        COMPREPLY+=(" ")
        return 0
    fi
    COMPREPLY=("$common")
    compopt -o nospace 2>/dev/null || true
}
