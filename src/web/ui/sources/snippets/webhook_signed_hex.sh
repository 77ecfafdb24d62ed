body='__BODY__'
signature=$(printf '%s' "$body" |
  openssl dgst -sha256 -hmac '__KEY__' -r | cut -d' ' -f1)
curl '__URL__' \
  -H "__HEADER__: __BEFORE__$signature" \
__HEADERS__  -H 'Content-Type: application/json' \
  -d "$body"
