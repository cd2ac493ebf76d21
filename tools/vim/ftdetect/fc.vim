au BufRead,BufNewFile *.fc setfiletype fc
