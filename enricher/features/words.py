"""Words that tell what a text is about, counted by category in bulk.

The lists are short on purpose: words that carry commands, queries, scripts, paths of interest to
intruders, and the names of programs that speak HTTP.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.arithmetic import log1p
from enricher.features.compiled import kernel
from enricher.features.tensors import ByteArray, FloatArray

_FACTOR: Final = np.uint64(0x100000001B3)
_START: Final = np.uint64(0xCBF29CE484222325)
_LONGEST_WORD: Final = 32

URI_WORDS: Final[dict[str, str]] = {
    "sql": """select union insert update delete drop truncate alter from where having order group
        by into values table database schema information_schema sysobjects syscolumns all distinct
        or and not null like between sleep benchmark waitfor delay pg_sleep concat concat_ws
        group_concat char chr ascii substring substr mid cast convert exec execute declare
        varchar nvarchar xp_cmdshell load_file outfile dumpfile extractvalue updatexml rlike
        limit offset join dual elt make_set version user current_user ctxsys utl_inaddr case when
        then else end if ifnull procedure analyse hex unhex md5 rownum""",
    "script": """script alert onerror onload onclick onmouseover onfocus ontoggle javascript
        vbscript eval document cookie window location iframe img svg src href prompt confirm body
        input expression fromcharcode innerhtml object embed style marquee data base64 atob""",
    "shell": """cat wget curl bash sh zsh ksh cmd powershell chmod chown rm mv cp nc netcat busybox
        tftp ftpget perl python ruby php echo printf ping nslookup dig id whoami uname ifconfig
        ipconfig ls dir ps kill killall touch mkdir sudo su tmp bin var dev shm sleep xargs awk
        sed jndi ldap rmi runtime getruntime processbuilder system passthru shell_exec popen
        phpinfo call_user_func_array invokefunction assert allow_url_include auto_prepend_file
        mozi arm mips x86 hnap1 goform formlogin setup_cgi gponform""",
    "file": """etc passwd shadow hosts group boot ini win system32 windows inetpub proc self environ
        htaccess htpasswd web_inf wp_config config env git svn hg ds_store phpmyadmin pma myadmin
        mysql dbadmin sqladmin wp_login wp_admin wp_content xmlrpc admin administrator manager
        console actuator jenkins solr struts backup bak dump cgi shell webshell cmd c99 r57 wso
        upload login eval_stdin vendor phpunit hudson owa autodiscover ecp remote fgt_lang
        boaform portal setup install debug telescope server_status robots""",
}
AGENT_WORDS: Final[dict[str, str]] = {
    "browser": """mozilla applewebkit khtml gecko chrome safari firefox edge edg opera opr version
        msie trident mobile windows macintosh linux android iphone ipad x11 like wow64 win64 x64
        intel mac os nt""",
    "tool": """curl wget python requests urllib httpx aiohttp go http client java perl libwww ruby
        php okhttp axios node fetch powershell winhttp libcurl lua mechanize httpclient apache
        scrapy postman insomnia""",
    "scanner": """nmap nikto sqlmap masscan zgrab nessus openvas acunetix wpscan dirbuster gobuster
        ffuf feroxbuster hydra nuclei zmap arachni w3af whatweb netsparker burp havij jorgee
        morfeus zmeu scan scanner scanning probe censys censysinspect expanse paloaltonetworks
        shodan hello world test internetmeasurement""",
    "bot": """bot crawler spider googlebot bingbot yandexbot baiduspider slurp ahrefsbot semrushbot
        mj12bot dotbot petalbot facebookexternalhit twitterbot feed monitor check uptime""",
    "system": """debian apt ubuntu yum dnf microsoft cryptoapi delivery optimization update agent
        wns bits ocspd securityd trustd cfnetwork darwin avast symantec mcafee networkmanager
        connectivity captive itunes dalvik roku steam""",
}


def _hash(word: str) -> np.uint64:
    """FNV-1a, 64 bits (draft-eastlake-fnv); the kernel's arithmetic wraps, here it is masked."""
    value = int(_START)
    for byte in word.encode():
        value = ((value ^ byte) * int(_FACTOR)) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


@cache
def word_table(which: str) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """An open-addressed table of word hashes and the bits of the word's categories.

    Args:
        which: ``uri`` or ``agent``.
    """
    lists = URI_WORDS if which == "uri" else AGENT_WORDS
    words: dict[str, int] = {}
    for place, text in enumerate(lists.values()):
        for word in text.split():
            words[word] = words.get(word, 0) | 1 << place
    size = 1 << (4 * len(words)).bit_length()
    keys, bits = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    for word, categories in words.items():
        key = _hash(word)
        slot = int(key) & (size - 1)
        while bits[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], bits[slot] = key, categories
    return keys, bits


@kernel
def _count(  # noqa: C901 - one pass over the bytes
    data: Any, begin: Any, end: Any, keys: Any, bits: Any, categories: Any, out: Any
) -> None:
    mask = keys.shape[0] - 1
    totals = np.zeros(8, np.int64)
    for m in range(begin.shape[0]):
        totals[:] = 0
        value = _START
        length = 0
        words = 0
        for i in range(begin[m], end[m] + 1):
            byte = data[i] if i < end[m] else np.uint8(0)
            if 65 <= byte <= 90:  # noqa: PLR2004 - a capital
                byte |= 32
            if byte in (45, 46):  # hyphens and dots join words of paths, as underscores do
                byte = np.uint8(0) if byte == 46 else np.uint8(95)  # noqa: PLR2004
            if 97 <= byte <= 122 or 48 <= byte <= 57 or byte == 95:  # noqa: PLR2004
                value = (value ^ np.uint64(byte)) * _FACTOR
                length += 1
                continue
            if 0 < length <= _LONGEST_WORD:
                words += 1
                slot = np.int64(value & np.uint64(mask))
                while bits[slot] != 0:
                    if keys[slot] == value:
                        for c in range(categories):
                            totals[c] += (bits[slot] >> c) & 1
                        break
                    slot = (slot + 1) & mask
            value = _START
            length = 0
        for c in range(categories):
            out[m, c] = log1p(np.float64(totals[c]))
        out[m, categories] = log1p(np.float64(words))


def count_words(
    which: str, data: ByteArray, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> FloatArray:
    """float32 [M, C + 1], ln(1 + words) of each category, then of all words.

    A word is a run of ASCII letters, digits, ``_`` and ``-`` (which count as one), whatever the
    case.
    """
    categories = len(URI_WORDS if which == "uri" else AGENT_WORDS)
    out = np.empty((begin.shape[0], categories + 1), np.float32)
    _count(data, begin, end, *word_table(which), categories, out)
    return out
