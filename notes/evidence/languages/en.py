"""English."""

from __future__ import annotations

from notes.evidence.languages.en_synonyms import SYNONYMS
from notes.evidence.languages.language import Language, Phrase, named, phrase, phrases, signs, spelled, words

ONES = phrase("zero one two three four five six seven eight nine")
TEENS = phrase("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = phrase("twenty thirty forty fifty sixty seventy eighty ninety")
CARDINALS: dict[Phrase, int] = {(word,): value for value, word in enumerate(ONES + TEENS)}
for tens, word in enumerate(TENS, start=2):
    CARDINALS[(word,)] = tens * 10
    CARDINALS |= {(word, one): tens * 10 + value for value, one in enumerate(ONES) if value}
ORDINALS = phrase("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth")
MONTHS = phrase("january february march april may june july august september october november december")

ENGLISH = Language(
    code="en",
    stop_words=words(
        """a about above after again all almost also always am an and any anything are as ask at away be
        because been before began begin being both but by can can't could couldn't day did didn't do
        does doesn't doing don't done down each either else ever every everything feel feels felt few
        find first for from gave get gets getting give gives go goes going gone gonna good got great had
        hadn't has hasn't have haven't having he hello hi help her here hers him his how i if in into is
        isn't it its just keep keeps kind know known last let like look lot made make makes many maybe
        me mean might mm more most mostly much must my need never next no none not nothing now of off ok
        okay on once one only or other our out over own part people per please put quite rather really
        right said same say seem seems she should since so some something sometimes soon sort still such
        sure take taken takes taking talk tell than thank thanks that the their them then there these
        they thing things think this those though thought through time times to today told too took try
        trying twice two uh um under until up us use used usually very want was wasn't way we well went
        were weren't what when where which while who why will with without won't would wouldn't yeah yep
        yes yesterday yet you your patient reports report reported reporting states stated denies denied
        complains complaint describes presents presenting presented history noted notes endorses
        regarding including continues continue current currently following mentions mentioned status
        discussed advised given recommended recommend plan due associated symptom symptoms rated
        approximately ongoing use using needed prior previous past having consistent mister missus
        doctor sir ma'am hear i'm i've it's that's we'll you're we're they're let's ll ve re ago old
        week weeks month months year years hour hours minute minutes days number"""
    ),
    endings=phrase(
        """ications ication izations ization ations ation ments ement ities ness ment able ible ally
        ings ions ical ized izing ated ates ies ied ing ion ity ous ive ers ors ary ery ist ian ed
        es er or al ic ly ia is us y e s"""
    ),
    synonyms=SYNONYMS,
    cardinals=CARDINALS,
    multipliers={"hundred": 100, "thousand": 1000, "million": 1_000_000},
    fractions={"half": 0.5, "quarter": 0.25, "quarters": 0.25},
    collectives={"couple": 2, "dozen": 12},
    articles=words("a an one"),
    joins=words("and"),
    points=words("point dot"),
    says_in_pairs=True,
    decimal_comma=False,
    labels=words(
        """type types stage grade class phase level number room line step option question covid vitamin omega
        version chapter page category call dial score factor bay ward extension bed floor street highway channel"""
    ),
    units=named(
        mg="milligram milligrams milligramme milligrammes mgs",
        mcg="microgram micrograms",
        g="gram grams gramme grammes gm",
        kg="kilogram kilograms kilo kilos",
        lb="pound pounds lb lbs",
        ml="milliliter milliliters millilitre millilitres cc ccs mil mils",
        l="liter liters litre litres",
        cm="centimeter centimeters centimetre centimetres",
        mm="millimeter millimeters millimetre millimetres",
        m="meter meters metre metres",
        km="kilometer kilometers kilometre kilometres",
        mile="mile miles",
        inch="inch inches",
        ft="foot feet ft",
        units="unit units",
        second="second seconds sec secs",
        minute="minute minutes min mins",
        hour="hour hours hr hrs",
        day="day days",
        week="week weeks wk wks",
        month="month months mo mos",
        year="year years yr yrs yo",
        tablet="tablet tablets pill pills capsule capsules tab tabs cap caps",
        puff="puff puffs inhalation inhalations",
        drop="drop drops",
        rate="bpm beats breaths",
        money="dollar dollars buck bucks euro euros cents",
        percent="percent pct",
        fahrenheit="fahrenheit f",
        celsius="celsius centigrade c",
        degree="degree degrees",
    ),
    idioms={"fortnight": 14},
    months={
        **{month: number for number, month in enumerate(MONTHS, start=1)},
        **{month[:3]: number for number, month in enumerate(MONTHS, start=1)},
        "sept": 9,
    },
    ordinals={word: number for number, word in enumerate(ORDINALS, start=1)},
    ranges=words("to or through"),
    over=phrases("over | out of | on | by"),
    ages=words("age aged"),
    lasting=words("for since past last over within in after"),
    times=words("times time doses"),
    multiples={"once": 1, "twice": 2, "thrice": 3},
    every=phrases("every | each | q"),
    per=words("a an per each every"),
    frequencies=spelled(
        {
            "1/day": "daily | qd | od | qhs | qam | qpm | nightly | every day | each day "
            "| every morning | every evening | every night | each morning | each evening | each night",
            "2/day": "bid | bd | morning and evening | morning and night | in the morning and at night "
            "| in the morning and in the evening | mornings and evenings | in the morning and evening",
            "3/day": "tid | tds | with each meal | with every meal",
            "4/day": "qid | qds",
            "1/2 days": "qod | alternate days | every other day | every second day",
            "1/week": "weekly | every week | each week",
            "1/month": "monthly | every month | each month",
            "1/year": "yearly | annually | every year | each year",
        }
    ),
    hints=spelled(
        {
            "1/day": "in the morning | in the evening | at night | at bedtime | before bed | in the afternoon | a day "
            "| with breakfast | with dinner | at lunch | mornings | evenings | nights | a night | per day",
            "1/week": "a week | per week | on sundays | on mondays | on saturdays | on fridays | on weekends",
            "1/month": "a month | per month",
            "1/year": "a year | per year",
        }
    ),
    negations=words(
        """no not never none without nothing nobody neither nor denies denied deny don't doesn't didn't isn't aren't
        wasn't weren't haven't hasn't hadn't can't couldn't won't wouldn't shouldn't cannot stop stopped quit"""
    ),
    negative=words(
        """no not never none without nothing neither nor denies denied deny denying negative absent absence
        free non don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't can't couldn't
        won't wouldn't cannot stop stopped quit discontinued discontinue discontinuation ceased
        cessation former ex hold held off declined declines refuses refused avoid avoids avoidance
        unable lack lacks allergy allergic allergies intolerance decreased reduced poor difficulty
        insomnia resolved normal clear unremarkable intact afebrile asymptomatic unlikely nonsmoker
        abstains abstinent noncompliant nonadherent nonadherence excluded ruled contraindicated instead
        rather out low deficient untreated limited restricted unchanged stable nkda nka zero
        loss impaired supple soft regular good fine rest failed trouble symmetrical"""
    ),
    pleasantries=phrases(
        """no problem | no problems at all | no worries | not at all | don't know | not sure | don't think
        so | don't mind | don't worry | no doubt | not bad | not too bad | can't complain | no need |
        don't forget | don't hesitate | never mind | not really | can't wait | no rush | no hurry | of
        course not | why not | not only | no more than | not more than | no later than | not less than |
        no less than | no thanks | no thank you | no question | no questions |
        don't have any questions | haven't any questions | no to that | no better | not better |
        not yet | can't remember | don't remember | can't recall | don't recall | no idea | can't say |
        couldn't say | don't see why | if not | or not | whether or not | no big deal | not long |
        nothing else | nothing to worry | don't you | isn't it | aren't you | didn't you | haven't you |
        doesn't it | not to worry | don't be | no matter | not just | don't let | nothing special |
        can't believe | don't want | don't like | doesn't matter | don't mean | don't understand |
        don't think | don't have to | don't need | isn't it | not so bad | not that bad | no harm |
        don't stop | shouldn't be a problem"""
    ),
    complaints=words(
        "can't couldn't cannot able help helps helped helping work works worked working enough properly well"
    ),
    turns=words("but because although though except however so then since which"),
    conditions=words("if unless until when whether"),
    clinical=phrase(
        """pain hurt ache sore fever temperature cough phlegm sputum nause vomit diarrh
        constip stool bowel blood bleed clot dizz lighthead faint numb tingl weak swell swoll
        rash itch hive burn sting breath wheez chest heart palpit sleep tired fatigue appetite
        hungry weight smok cigar tobacco vap alcohol drink drug cannabis marijuana medic tablet pill
        dose allerg surg operat pregnan period seiz fall fell injur fractur vision blur hearing
        headache migraine throat nose sinus neck joint knee ankle
        shoulder stomach belly abdom urin pee water kidney liver lung thyroid diabet sugar cholest
        pressure hypertens cancer tumor lump mass asthma stroke infect antibiot vaccin shot inject
        insulin aspirin ibuprofen tylenol acetaminophen statin steroid murmur tender stiff discharge
        chill sweat anxi depress suicid mood harm memory confus gluten lactose exercise walk
        swallow nerve reflex rigid wound scar lesion mole bruise gain lows scale hypo anti infarct appendi
        gallbladder replac hospital stent pacemaker ulcer pneumon hernia arthrit reflux jaundic
        miscarr menopaus contracep snor limp bedridden psoria eczema caesar cesar deliver birth"""
    ),
    clinical_words=words(
        """sick cold colds ear ears arm arms leg legs hip hips hand hands foot feet head hear eat eating eats pee
        threw throw throwing pins"""
    ),
    ahead=words("in"),
    generic=("pain",),
    measures=words(
        """pulse rate pressure temperature temp saturation sats sat oxygen spo2 weight weigh ldl hdl a1c
        hba1c glucose sugar sugars creatinine potassium sodium hemoglobin cholesterol triglycerides tsh
        egfr inr psa bmi score ferritin systolic diastolic respirations crp"""
    ),
    at_age=words("at age aged"),
    family=words(
        """mother mother's father father's mum mom dad brother brother's sister sister's parent parents grandmother
        grandfather grandma grandpa grandparents aunt uncle"""
    ),
    habits=words("alcohol wine beer beers whisky whiskey vodka smoke smoked smoking cigarette cigarettes cigars vape"),
    weighty=words("lost gained off leave stopped quit shouldn't mustn't avoid"),
    suppositions=words("if unless otherwise"),
    medicines=("medication",),
    signs=signs(
        """
        lung chest breath respir auscult: wheeze crackle rale crepitation rhonchi
        heart cardiac cardiovascular: murmur gallop rub
        abdomen belly: guarding rebound rigid mass tender
        neck: stiff rigid lymph gland node
        neurolog neuro: weak numb reflex sensation tingling
        throat pharynx tonsil: exudate pus discharge
        knee ankle shoulder joint: swelling effusion warm redness
        skin: rash lesion bruise
        eye pupil: discharge redness
        ear eardrum drum tympanic: discharge fluid
        vital afebrile: fever temperature
        """
    ),
    denials=phrases(
        """not that i know | not that i'm aware | not that i am aware | not that i remember | not that i recall
        | not at all | not any more | not anymore | not until | not before | neither | nothing | nowhere | nobody
        | god no | oh no | well no | um no | uh no | i wouldn't | better not | rather not | not for"""
    ),
    troubles=words("problem problems worry worries trouble"),
    own=words("i i'm i'd i've i'll my me we our"),
    you=words("you your you're you've you'd"),
    leave=phrases("can i | may i | could i | should i | am i allowed"),
    yes=words("yes yeah yep yup correct right sure exactly absolutely definitely"),
    no=words("no nope never none nah"),
)
