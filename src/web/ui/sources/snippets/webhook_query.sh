curl '__URL__?__PARAMETER__=__KEY__' \
__HEADERS__  -H 'Content-Type: application/json' \
  -d '__BODY__'
