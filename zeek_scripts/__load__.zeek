##! The enricher beside a running Zeek: logs made for it, and its verdicts taken back.

@load ./main
@load ./rotate
@load ./conn
@load ./http
@load ./dns
@load ./ssl
@load ./verdicts
@load ./notice
@load ./intel
@load ./block
