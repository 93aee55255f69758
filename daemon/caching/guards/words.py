"""Closed lists, by kind. A line of a table is one meaning: its first word stands for all of them."""

from __future__ import annotations

from collections.abc import Mapping


def _named(table: str) -> dict[str, str]:
    """Each word of a line to the line's first."""
    lines = (line.split() for line in table.strip().splitlines())
    return {word: line[0] for line in lines for word in line}


def _all(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _counted(text: str, *, step: int) -> dict[str, int]:
    """Words for 2, 3, 4 … times `step`."""
    return {word: step * count for count, word in enumerate(text.split(), start=2)}


def _opposites(table: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """Each word to its (group, pole) pairs. A line is a group, `|` parts its poles."""
    poles: dict[str, tuple[tuple[int, int], ...]] = {}
    for group, line in enumerate(table.strip().splitlines()):
        for pole, words in enumerate(line.split("|")):
            for word in words.split():
                poles[word] = (*poles.get(word, ()), (group, pole))
    return poles


UNITS = _named("""
km kilometer kilometers kilometre kilometres kms
m meter meters metre metres
cm centimeter centimeters centimetre centimetres
mm millimeter millimeters millimetre millimetres
mile miles mi
yard yards yd
foot feet ft
inch inches
kg kilogram kilograms kilo kilos kgs
g gram grams gramme grammes
mg milligram milligrams
lb pound pounds lbs
oz ounce ounces
ton tons tonne tonnes
stone stones
l liter liters litre litres
ml milliliter milliliters millilitre millilitres
gallon gallons gal
pint pints
quart quarts
cup cups
tbsp tablespoon tablespoons
tsp teaspoon teaspoons
celsius centigrade
fahrenheit
kelvin
percent % pct percentage
ms millisecond milliseconds
sec second seconds secs
min minute minutes mins
hour hours hr hrs
day days
week weeks
fortnight fortnights
month months
quarter quarters
year years yr yrs
decade decades
century centuries
am
pm
noon midday
midnight
half halves halve
dozen dozens
double twice
triple thrice
single
mph
kph kmh
bit bits
byte bytes
kb kilobyte kilobytes
mb megabyte megabytes
gb gigabyte gigabytes
tb terabyte terabytes
watt watts
kw kilowatt kilowatts
kwh
volt volts
amp amps ampere amperes
hz hertz
mhz
ghz
joule joules
calorie calories kcal cal
acre acres
hectare hectares
degree degrees °
radian radians
psi
pascal pascals
bar
""")

CALENDAR = _named("""
monday mon mondays
tuesday tue tues tuesdays
wednesday wed wednesdays
thursday thu thurs thursdays
friday fri fridays
saturday saturdays
sunday sundays
january jan
february feb
march
april apr
june jun
july jul
august aug
september sept sep
october oct
november nov
december dec
summer
autumn
winter
today tonight
tomorrow
yesterday
morning mornings
afternoon afternoons
evening evenings
night nights
weekend weekends
weekday weekdays
christmas xmas
easter
halloween
thanksgiving
""")

CURRENCIES = _named("""
usd dollar dollars $ bucks
eur euro euros €
gbp £ quid sterling
jpy yen ¥
inr rupee rupees ₹
cny yuan rmb renminbi
krw won ₩
rub ruble rubles rouble roubles ₽
chf franc francs
cad
aud
nzd
sek
nok
dkk
pln zloty
mxn peso pesos
brl
zar rand
try lira
cent cents
penny pence
btc bitcoin bitcoins
eth ether ethereum
""")

TIME_ZONES = _named("""
utc gmt zulu
est eastern edt
cst cdt
mst mdt
pst pacific pdt
cet cest
bst
ist
jst
aest aedt
msk
sgt
hkt
""")

LANGUAGES = _named("""
english
spanish
french
german
italian
portuguese
dutch
russian
chinese mandarin
cantonese
japanese
korean
arabic
hindi
bengali
urdu
punjabi
tamil
telugu
turkish
polish
ukrainian
czech
slovak
hungarian
romanian
bulgarian
greek
hebrew
swedish
norwegian
danish
finnish
icelandic
irish
welsh
scottish
latin
persian farsi
thai
vietnamese
indonesian
malay
tagalog filipino
swahili
croatian
serbian
slovenian
lithuanian
latvian
estonian
catalan
basque
esperanto
american
british
canadian
australian
mexican
brazilian
indian
egyptian
swiss
austrian
belgian
""")

TECHNOLOGIES = _named("""
python py
javascript js
typescript ts
java
kotlin
scala
c++ cpp
c# csharp
rust
golang
ruby
php
perl
swift
haskell
elixir
erlang
clojure
julia
matlab
fortran
cobol
dart
lua
bash
zsh
powershell
sql
postgres postgresql
mysql
sqlite
mongodb
redis
html
css
angular
vue
svelte
django
flask
fastapi
rails
laravel
node nodejs node.js
deno
bun
numpy
pandas
polars
pytorch torch
tensorflow
npm
yarn
pnpm
pip
conda
cargo
docker
podman
kubernetes
linux
windows
macos
ubuntu
debian
fedora
android
ios
aws
azure
gcp
vim
emacs
nano
""")

FORMATS = _named("""
json
yaml yml
toml
xml
csv
tsv
table tabular
bullet bullets bulleted
numbered
markdown
html
latex
pdf
poem poems
haiku haikus
limerick
sonnet
song
rap
essay essays
story
tweet
slogan
headline
outline
diagram
flowchart
chart
graph
regex regexp
pseudocode
paragraph paragraphs
sentence sentences
script
letter
checklist
spreadsheet
""")

LENGTHS = _named("""
short brief briefly concise concisely succinct succinctly
long lengthy
detailed detail thorough thoroughly comprehensive comprehensively exhaustive
""")

ONLY_BEHIND_NUMBERS = _all("am m g l min bar won try rand")
"""Units that are common words, or nothing, elsewhere."""

# `one` is left out: it is an article more often than a number, and still differs from every other number.
SMALL_NUMBERS = {"zero": 0} | _counted(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
    step=1,
)

TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", step=10)

SPELLED_NUMBERS = SMALL_NUMBERS | TENS

MULTIPLIERS: Mapping[str, int] = {
    "hundred": 100,
    "thousand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}

OPPOSITES = _opposites("""
enable enabling enabled activate activating activated | disable disabling disabled deactivate deactivated
before prior | during | after
high higher highest | low lower lowest
tall taller tallest | small smaller smallest
increase increasing increased raise raising raised | decrease decreasing decreased reduce reducing reduced \
lower lowering lowered
max maximum maximize maximise maximal | min minimum minimize minimise minimal | average mean median
first | last | second | third | next | previous
start starting started begin beginning began | stop stopping stopped end ending ended finish finished
buy buying bought purchase purchased purchasing | sell selling sold
import importing imported | export exporting exported
upgrade upgraded | downgrade downgraded | cancel cancelled canceled | pause paused | renew renewed | resume
ascending | descending
old older oldest | young younger youngest | new newer newest
big bigger biggest large larger largest | small smaller smallest | tiny | medium
long longer longest | short shorter shortest
fast faster fastest quick quicker quickest quickly | slow slower slowest slowly
hot hotter hottest | cold colder coldest | warm warmer warmest | cool cooler coolest
cheap cheaper cheapest | expensive pricey costly
safe safer safest | dangerous unsafe
best better | worst worse
good | bad
hard harder hardest difficult | easy easier easiest
heavy heavier heaviest | light lighter lightest
strong stronger strongest | weak weaker weakest
rich richer richest | poor poorer poorest
near nearer nearest close closer closest | far farther farthest further furthest
wide wider widest | narrow narrower narrowest
deep deeper deepest | shallow
early earlier earliest | late later latest
more | less fewer
more | most
most many | least fewest few
all every each both | some | any | none no neither
always | never | sometimes | often frequently | rarely seldom | ever
up | down
left | right
top | bottom | middle
above | below | beneath
over | under
inside in | outside out
front | back
forward forwards | backward backwards
north northern | south southern | east eastern | west western | northeast northeastern \
| northwest northwestern \
| southeast southeastern | southwest southwestern
upwards upward | downwards downward
clockwise | counterclockwise anticlockwise
ancient | medieval | modern
simple | complex complicated
happy | sad
survive survived surviving | die died dying
rise rose risen rising | fall fell fallen falling
praise praised praising | criticize criticized criticise criticised
cure cures curing treat treats | cause causes causing
prevent preventing | cause causes
begin beginning | end ending
king kings | queen queens
prince | princess
uncle | aunt
nephew | niece
add adding added | remove removing removed delete deleting deleted
insert inserting inserted | delete deleting deleted
create creating created | destroy delete deleting deleted
install installing installed | uninstall uninstalling uninstalled | update updating updated upgrade upgrading upgraded
set setting | cancel cancelled canceled off
open opening opened | close closing closed shut
lock locking locked | unlock unlocking unlocked
block blocking blocked | unblock unblocking unblocked
freeze freezing frozen | unfreeze unfreezing
mute muting muted | unmute unmuting
encrypt encrypting encrypted encryption | decrypt decrypting decrypted decryption
encode encoding encoded | decode decoding decoded
compress compressing compressed | decompress extract extracting
upload uploading uploaded | download downloading downloaded
push pushing pushed | pull pulling pulled | fetch | merge | rebase
send sending sent | receive receiving received
lend lending lent | borrow borrowing borrowed
win winning won | lose losing lost
gain gaining gained | lose losing lost
arrive arriving arrived arrival | depart departing departed departure leave leaving left
accept accepting accepted | reject rejecting rejected decline declining declined refuse refused
approve approved approval | deny denied denial
allow allowing allowed permit permitted | forbid forbidden prohibit prohibited ban banned
include including included includes | exclude excluding excluded excludes except
required mandatory obligatory compulsory | optional recommended advisable
legal lawful | illegal unlawful
public | private
internal | external
local | remote
online | offline
true | false
positive | negative
male man men boy | female woman women girl
husband | wife
father dad | mother mum mom
son | daughter
brother | sister
odd | even
horizontal horizontally | vertical vertically
row rows | column columns
input inputs | output outputs
read reading | write writing
client | server
source | destination target
import imports | export exports
profit profits | loss losses
income | expense expenses
debit | credit
deposit depositing deposited | withdraw withdrawing withdrawn withdrawal
pro pros advantage advantages benefit benefits | con cons disadvantage disadvantages drawback drawbacks
cause causes | effect effects consequence consequences
teacher | student
employer | employee
landlord | tenant
host | guest
vegetarian | vegan | meat
beginner beginners | intermediate | advanced expert experts
child children kid kids | adult adults
day | night
formal formally | informal informally casual
singular | plural
past | future | present
synonym synonyms another same | antonym antonyms opposite contrary
uppercase | lowercase
encourage | discourage
agree | disagree
connect connecting connected | disconnect disconnecting disconnected
subscribe subscribing subscribed | unsubscribe unsubscribing unsubscribed
follow following followed | unfollow unfollowing
show showing shown | hide hiding hidden
expand expanding | collapse collapsing
attack | defend defense
love | hate
live alive | dead
full | empty
wet | dry
dark | light
loud louder | quiet quieter
clean | dirty
thick | thin
sync synchronous | async asynchronous
static | dynamic
single | multiple
temporary temporarily | permanent permanently
fixed | variable
gross | net
virtual | physical
weekly | daily | monthly | yearly annual annually | hourly
""")

NEGATORS = _all(
    "not no never none nothing nobody nowhere neither nor without cannot unable cant dont doesnt "
    "didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent hadnt except excluding "
    "lacking lack"
)

NEGATING_PREFIXES = ("un", "dis", "in", "im", "ir", "il", "non", "de", "mis", "anti", "re", "ab", "counter")

PAST = _all("did was were had yesterday ago happened")
PRESENT = _all("do does is are am has")
FUTURE = _all("will shall gonna tomorrow upcoming")

PIVOTS = _all(
    "than to into from vs versus over under before after by against above below as without instead beats minus"
)
"""Words whose two sides are not the same role."""

COUNTERPARTS = frozenset(
    frozenset(pair.split("/"))
    for pair in _all(
        "from/to from/into before/after with/without with/minus plus/minus to/by by/for in/out on/off over/under "
        "above/below "
        "up/down into/out for/against since/until from/by inside/outside onto/off via/without "
        "within/after within/before since/before since/after while/before while/after during/before during/after "
        "until/after until/before till/since beyond/within under/above"
    )
)
"""Prepositions that turn the meaning of the word behind them."""

PREPOSITIONS = frozenset(word for pair in COUNTERPARTS for word in pair)

PERSONS = _named("""
i me my mine myself
we us our ours ourselves
you your yours yourself
he him his himself
she her hers herself
they them their theirs themselves
""")

THIRD_PERSONS = frozenset(("he", "she", "they"))

POSSESSIVES = _all(
    "my mine our ours your yours his her hers their theirs myself ourselves yourself himself herself themselves"
)

ROLES = {token: f"<{person}>" for token, person in PERSONS.items() if token not in POSSESSIVES} | {"her": "<she>"}
"""Who does something, and to whom it is done: `I`, `me`; not `my`."""

STATES = _all(
    "like love hate enjoy prefer think believe feel want wish hope mean know remember recommend suggest call trust "
    "fear miss support"
)
"""What people are asked about themselves."""

MODALITIES = _named("""
can could may might able possible allowed
must need required obliged obligatory
should ought advisable
""")

DO = _all("do does did will would shall should can could have has had may might must")
"""Behind `who` these show that it is the one to whom it is done: who did they hire."""

WAYS_OF_ASKING = _named("""
who whom whose
when
where
why
how
what which
""")

SWITCHES = _named("""
on enable enabled enabling activate activated activating
off disable disabled disabling deactivate deactivated deactivating
""")
del SWITCHES["on"], SWITCHES["off"]
SWITCHING = _all("turn turned turning switch switched switching put shut power flip toggle lights light log sign")

LIMITS: Mapping[str, str] = dict.fromkeys(
    ("under", "below", "less than", "fewer than", "at most", "up to", "maximum", "not more", "cheaper than"), "upper"
) | dict.fromkeys(("over", "above", "more than", "greater than", "at least", "minimum", "exceeding"), "lower")

BE = _all("is are was were be been being am get got gets")

REASONS = _all("reason reasons cause causes make makes made")

INTERROGATIVES = _all("what which who whom whose when where why how")

QUESTION_WORDS = _named("""
who whom whose
when
where
why
""")

SYNONYMS = _named("""
use used using uses utilize utilise
kind kinds type types sort sorts
car cars vehicle vehicles automobile
amount much
number many count
age old
change changed changing switch switched switching modify modified
wrong incorrect incorrectly
choose chose pick picked select selected choice
extra additional
money fund funds
begin start
buy bought purchase purchased
fix repair
summary summarize summarise summarised summarized summaries summarising summarizing
translate translation translated translating
explain explanation explaining
convert conversion converting converted
calculate compute calculation
movie film movies films
picture photo image pictures photos images
job jobs employment
error errors bug bugs
quick quickly fast rapid rapidly soon
price cost costs prices
doctor physician
phone cellphone smartphone mobile
payment pay paid paying payments
withdrawal withdraw withdrawing withdrew withdrawals
expire expired expires expiry expiration
verify verification verifying verified
delivery deliver delivered delivering deliveries
cancel cancellation cancelled canceled cancelling
pc computer
""")

LIGHT = _all(
    "a an the this that these those it its there here of to in on at by for with from into as and or "
    "but if so than then is are am be been being was were do does did done has have had having can "
    "could will would shall should may might must cannot not no what which who whom whose when where "
    "why how i me my mine we us our ours you your yours he him his she her hers they them their "
    "theirs myself yourself please thanks thank hi hello hey ok okay just also tell know let want "
    "wanted wanna gotta need needed like give show list name mean means meaning definition define way "
    "ways step steps about some any one ll ve re d s m t th st nd rd get gets got gotten getting "
    "obtain obtained receive received find finding locate help helping assist assistance able unable "
    "possible possibly reason reasons cause come go going goes seem seems seemed appear appears think "
    "thinking believe still yet already really currently exactly thing things something"
)
"""Words that may come, go and be exchanged in near texts without another answer being right."""

LIKE_SLIPS = _all(
    "acers beast betas bets causal clod closets cots curse cusp dose eats fats fete flaks form froward hied hots juts "
    "lats liar lots medina mien minuet minuets mots pats pervious pome pomes puls quite rials roes ruts sing snog "
    "toady wets worts"
)
"""Words of their own that look like one of these with two neighbouring letters exchanged, by WordNet."""
