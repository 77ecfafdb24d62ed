body='__BODY__'
at=$(date +%s)
signature=$(printf '%s.%s' "$at" "$body" |
  openssl dgst -sha256 -hmac '__KEY__' -r | cut -d' ' -f1)
curl '__URL__' \
  -H "Stripe-Signature: t=$at,v1=$signature" \
__HEADERS__  -H 'Content-Type: application/json' \
  -d "$body"
