curl '__URL__' \
  -H '__HEADER__: __KEY__' \
__HEADERS__  -H 'Content-Type: application/json' \
  -d '__BODY__'
