"""English."""

from __future__ import annotations

from notes.evidence.languages.language import Language, Phrase, named, phrase, phrases, words

ONES = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
CARDINALS: dict[Phrase, int] = {(word,): value for value, word in enumerate(ONES + TEENS)}
for tens, word in enumerate(TENS, start=2):
    CARDINALS[(word,)] = tens * 10
    CARDINALS |= {(word, one): tens * 10 + value for value, one in enumerate(ONES) if value}
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
MONTHS = "january february march april may june july august september october november december".split()

SYNONYMS = """
hypertension | high blood pressure | htn | elevated blood pressure | hypertensive | pressure is high | pressure is up
blood pressure | bp | pressure
dyspnea | dyspnoea | short of breath | shortness of breath | trouble breathing | difficulty breathing | breathless \
| out of breath | hard to breathe | sob
headache | cephalalgia | head hurts | head aches | pain in head
myocardial infarction | heart attack | mi
stroke | cva | cerebrovascular accident
pyrexia | fever | febrile | high temperature
afebrile | fever
syncope | fainted | faint | passed out | blacked out | lost consciousness | loss of consciousness
palpitations | heart racing | racing heart | heart pounding | heart fluttering | heart skips
pruritus | itch | itchy | itching
rash | eruption | exanthem | hives | urticaria
emesis | sick | vomit | vomited | vomiting | throwing up | threw up | throw up
nausea | sick | nauseous | nauseated | sick to stomach | queasy
diarrhea | diarrhoea | loose stools | runs | watery stools
constipation | constipated
stool | bowel movement | bowel
sputum | phlegm | mucus
rhinorrhea | runny nose
allergic rhinitis | hay fever
congestion | stuffy nose | blocked nose | stuffed up
pharyngitis | sore throat | throat hurts | throat pain
fatigue | fatigued | tired | exhausted | tiredness | no energy | worn out | wiped out
insomnia | can't sleep | trouble sleeping | not sleeping | difficulty sleeping | keeps awake | poor sleep
sleep | asleep | awake
edema | oedema | swelling | swollen | swell
erythema | redness | red
pain | hurt | hurts | ache | aches | aching | sore | soreness | painful | tender | tenderness
abdominal | abdomen | stomach | belly | tummy
chest | thoracic
cardiac | heart | cardiovascular
pulmonary | lung | lungs | respiratory | chest sounds
renal | kidney
hepatic | liver
urinary | urine | urination | passing water | pee | peeing | urinate
dysuria | burns when pee | burning urination | painful urination | hurts to pee | stings when pee
polyuria | pee a lot | peeing a lot | frequent urination | urinary frequency
polydipsia | very thirsty | always thirsty | excessive thirst | thirsty
hematuria | blood in urine | blood in pee
dizziness | dizzy | lightheaded | light headed | vertigo | spinning | woozy
paresthesia | tingling | pins and needles | numb | numbness
weakness | weak
vision | visual | eyesight | sight
anxiety | anxious | worried | nervous | worry | tense | tension
depression | depressed | low mood | mood
diabetes | diabetic | t2dm | blood sugar
glucose | blood sugar | sugar
hyperlipidemia | high cholesterol | dyslipidemia | hypercholesterolemia | cholesterol
asthma | asthmatic | wheeze
copd | emphysema
hypothyroidism | underactive thyroid | low thyroid
gerd | acid reflux | heartburn | reflux
arthritis | osteoarthritis | joint pain | arthralgia
myalgia | muscle pain | muscle aches | aching muscles | body aches
low back pain | lower back | lumbar | low back | lumbago | back pain
knee | patella
fracture | broken | break | broke
fall | fell | fallen
appendectomy | appendix | appendicitis | appendicectomy
cholecystectomy | gallbladder
hysterectomy | uterus | womb
tonsillectomy | tonsils
cesarean | c section | caesarean
operation | surgery | surgical | operated
medication | medicine | meds | tablet | pill | drug | medicines
prescribe | prescription | prescribed | script
refill | refilled | renew
acetaminophen | paracetamol | tylenol
ibuprofen | advil | motrin
hydrochlorothiazide | hctz | water pill | diuretic
anticoagulant | blood thinner | anticoagulation
antibiotic | antibiotics | antimicrobial
vaccination | vaccine | shot | immunization | immunisation | jab
influenza | flu
smoke | smoker | nonsmoker | smoking | cigarettes | tobacco | pack
alcohol | drink | beer | wine | ethanol | drinker | drinking | etoh
coffee | caffeine | caffeinated
exercise | physical activity | gym | workout | exercises
walk | walking | ambulation | ambulate
eat | appetite | eating | hungry
weight | weigh | pounds | kilos | scale
mother | mom | mum | maternal | mama
father | dad | paternal
sibling | brother | sister
child | childhood | kid | children
electrocardiogram | ecg | ekg | heart tracing
blood test | blood work | bloodwork | labs | blood taken | lab tests | laboratory
xray | x ray | radiograph | radiography
mri | magnetic resonance
ct | cat scan
hba1c | a1c | hemoglobin a1c
pulse | heart rate | beats per minute | hr
temperature | temp
oxygen saturation | saturation | spo2 | oxygen | sats | o2 sat
respiratory rate | breaths per minute
dysphagia | swallow | trouble swallowing | food gets stuck
odynophagia | hurts to swallow | painful swallowing
melena | black stools | tarry stools | black stool
hematochezia | blood in stool | rectal bleeding | bright red blood
hematemesis | vomit blood | vomiting blood | throwing up blood
hemoptysis | cough up blood | coughing up blood
epistaxis | nosebleed | nosebleeds | nose bleeds
hypoglycemia | hypo | hypos | low sugar | low sugars | lows
hyperglycemia | high sugar | high sugars
neuropathy | nerve | nerves | neuropathic
otitis media | ear infection | middle ear | otitis
otalgia | earache | ear pain | ear hurts | pulling ear
rhinorrhoea | runny nose | nose is streaming | rhinorrhea
conjunctivitis | pink eye
uti | urinary tract infection | bladder infection | cystitis | water infection
pneumonia | lung infection
hypotension | low blood pressure
tachycardia | fast heart | heart racing | rapid heartbeat
arrhythmia | irregular heartbeat | atrial fibrillation | afib
angina | chest pain | chest tightness | tight chest
orthopnea | prop up | pillows | lie flat
supine | lie down | lying down | lying flat
postprandial | after eat | after eating | meals
exudate | pus
nsaid | anti inflammatory | ibuprofen | naproxen | antiinflammatory
antacid | tums | antacids | maalox
ppi | omeprazole | pantoprazole
inhaler | puffer | albuterol | salbutamol
steroid | prednisone | cortisone
statin | atorvastatin | simvastatin | rosuvastatin
metformin | glucophage
calpol | paracetamol | acetaminophen
aspirin | asa
benign prostatic hyperplasia | bph | prostate
erectile dysfunction | erection | erections
dysmenorrhea | painful periods | cramps
menopause | hot flashes | hot flushes | change of life
contraception | birth control | contraceptive
libido | sex drive
alopecia | hair loss | losing hair
xerostomia | dry mouth
tinnitus | ringing in ears | ringing
hearing | hear | deaf
photophobia | light bothers | light hurts | sensitivity to light
aura | flashing lights
rigidity | stiff | stiffness
ambulatory | walk
gait | walk | walking
tremor | shake | shaky | shaking | shakiness
memory | forgetful | forget | forgetting
anorexia | appetite | not hungry
dehydration | dehydrated
obesity | overweight | obese
laceration | cut | gash
contusion | bruise | bruised
sprain | twisted | sprained | rolled
hernia | bulge | rupture
hemorrhoids | piles
varicose veins | veins
dvt | clot | deep vein thrombosis | blood clot
pulmonary embolism | clot lung | pe
anemia | low iron | anemic | iron
hypokalemia | low potassium
gout | uric acid
eczema | dermatitis
acne | pimples | spots
lesion | mole | spot | growth
cellulitis | skin infection
abscess | boil
tonsillitis | tonsils
sinusitis | sinus infection | sinus
bronchitis | chest cold | chest infection
uri | upper respiratory infection | cold
gastroenteritis | stomach bug | stomach flu | food poisoning
cholelithiasis | gallstones | gallstone
nephrolithiasis | kidney stone | kidney stones | renal stone
concussion | hit head | head injury
trauma | injury | injured | fall | fell | accident
nocturia | up at night | get up to pee
incontinence | leak | leaking | accidents
dysgeusia | taste
ophthalmology | eye doctor | ophthalmologist | optometrist | eye exam
dermatology | dermatologist | skin doctor
cardiology | cardiologist | heart doctor
orthopedics | orthopedic | orthopedist
neurology | neurologist
psychiatry | psychiatrist
dietitian | nutritionist | dietician
ultrasound | sonogram
colonoscopy | scope
echocardiogram | echo
ecg | ekg
tsh | thyroid test | thyroid function
cbc | blood count
ldl | bad cholesterol
stool test | stool sample
lifestyle | diet and exercise
low salt | sodium | salt
weight loss | lose weight | lost weight | losing weight
weight gain | gain weight | gained weight | gained
unintentional | without trying
fluids | drink | drinking
hydrate | drink | water
stress | stressed | stressful
panic | panic attack
suicidal ideation | thoughts of harming | hurt yourself | harm yourself | suicidal | end your life
recreational drugs | illicit drugs | drugs | marijuana | weed | cannabis
sexually active | sex | partner
lives alone | live alone | lives by herself
right handed | right hand
lower extremity | leg | legs
upper extremity | arm | arms
cervical | neck
lumbar | back
plantar | sole | foot
hand | wrist
epigastric | top of stomach | upper belly
tympanic membrane | eardrum | ear drum
lymph nodes | glands | lymphadenopathy | swollen glands
oropharynx | throat
buttock | bottom
allergy | allergic | nkda | nka
exertion | exertional | walk | climb | stairs
follow up | come back | return | recheck | appointment
avoid | don't take | stay away | stop
discontinue | stop | stopped | quit | discontinued | came off | ceased | former
increase | increased | raise | bump up | go up | double | higher
decrease | decreased | reduce | reduced | cut down | lower | cut back | go down | less
restart | resume | start again
worse | aggravate | aggravated | worsen | worsening | exacerbate | worsens | exacerbated
relieved | improve | improved | better | helps | ease | eases | relief | improves | alleviate
benign | harmless
normal | fine | unremarkable | good | clear | okay | within limits | intact
viral | virus
bacterial | bacteria
inflamed | inflammation
intermittent | now and then | comes and goes | on and off | off and on | come and go
sudden | suddenly | acute | out of nowhere
mild | little | slight | slightly | bit
severe | bad | terrible | worst | severely
bilateral | both | both sides
fluids | plenty water | drink plenty | hydration | hydrate
rest | resting
radiate | radiation | radiating | goes down | spreads | travel | travels | go down | radiates
seizure | convulsion | fit
tetanus | tdap
menstruation | period | menses | menstrual | lmp
pregnancy | pregnant | expecting
married | husband | wife | spouse
work | works | job | employed | occupation
retired | retirement
nocturia | get up to pee | up at night to pee
nighttime | night | nocturnal | nightly | bedtime
morning | mornings
evening | evenings
food | meal | meals
kidney function | creatinine | egfr | renal function
physiotherapy | physical therapy | pt | physio
specialist | referral | refer | referred
cancer | malignancy | carcinoma | tumor
shoulder | rotator
sweating | sweats | diaphoresis | sweaty | diaphoretic
chills | shivers | shivering | rigors
bruise | bruising | ecchymosis | bruises
bleeding | bleed | hemorrhage
emergency | er | 911 | ed | urgent care | emergency room | emergency department
side effect | adverse effect | adverse reaction | side effects
"""

ENGLISH = Language(
    code="en",
    stop_words=words(
        """a about above after again all almost also always am an and any anything are as ask at away be because
        been before began begin being both but by can can't could couldn't day did didn't do does doesn't
        doing don't done down each either else ever every everything feel feels felt few find first for from gave get
        gets getting give gives go goes going gone gonna good got great had hadn't has hasn't have haven't having he
        hello hi help her here hers him his how i if in into is isn't it its just keep keeps kind know known
        last let like look lot made make makes many maybe me mean might mm more most mostly much must my need never
        next no none not nothing now of off ok okay on once one only or other our out over own part people per please
        put quite rather really right said same say seem seems she should since so some something sometimes soon
        sort still such sure take taken takes taking talk tell than thank thanks that the their them then there these
        they thing things think this those though thought through time times to today told too took try trying twice
        two uh um under until up us use used usually very want was wasn't way we well went were weren't what when
        where which while who why will with without won't would wouldn't yeah yep yes yesterday yet you your
        patient reports report reported reporting states stated denies denied complains complaint describes presents
        presenting presented history noted notes endorses regarding including continues continue current currently
        following mentions mentioned status discussed advised given recommended recommend plan due associated
        symptom symptoms rated approximately ongoing use using needed prior previous past having consistent
        mister missus doctor sir ma'am hear i'm i've it's that's we'll you're we're they're let's ll ve re
        ago old week weeks month months year years hour hours minute minutes days number"""
    ),
    endings=tuple(
        "ications ication izations ization ations ation ments ement ities ness ment able ible ally ings ions ical "
        "ized izing ated ates ies ied ing ion ity ous ive ers ors ary ery ist ian ed es er or al ic ly ia is us y e s".split()
    ),
    synonyms=tuple(phrases(line) for line in SYNONYMS.replace("\\\n", "").strip().splitlines()),
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
        ml="milliliter milliliters millilitre millilitres cc ccs",
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
    ordinals={word: number for number, word in enumerate(ORDINALS.split(), start=1)},
    ranges=words("to or through"),
    over=phrases("over | out of | on | by"),
    ages=words("age aged"),
    lasting=words("for since past last over within in after"),
    times=words("times time doses"),
    multiples={"once": 1, "twice": 2, "thrice": 3},
    every=phrases("every | each | q"),
    per=words("a an per each every"),
    frequencies={
        phrase(spelled): canonical
        for canonical, line in {
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
        }.items()
        for spelled in line.split("|")
    },
    hints={
        phrase(spelled): canonical
        for canonical, line in {
            "1/day": "in the morning | in the evening | at night | at bedtime | before bed | in the afternoon | a day "
            "| with breakfast | with dinner | at lunch | mornings | evenings | nights | a night | per day",
            "1/week": "a week | per week | on sundays | on mondays | on saturdays | on fridays | on weekends",
            "1/month": "a month | per month",
            "1/year": "a year | per year",
        }.items()
        for spelled in line.split("|")
    },
    negations=words(
        """no not never none without nothing nobody neither nor denies denied deny don't doesn't didn't isn't aren't
        wasn't weren't haven't hasn't hadn't can't couldn't won't wouldn't shouldn't cannot stop stopped quit"""
    ),
    negative=words(
        """no not never none without nothing neither nor denies denied deny denying negative absent absence free non
        don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't can't couldn't won't wouldn't cannot
        stop stopped quit discontinued discontinue discontinuation ceased cessation former ex hold held off declined
        declines refuses refused avoid avoids avoidance unable lack lacks allergy allergic allergies intolerance decreased reduced poor difficulty
        insomnia resolved normal clear unremarkable intact afebrile asymptomatic unlikely nonsmoker abstains abstinent
        noncompliant nonadherent nonadherence excluded ruled contraindicated instead rather out low deficient
        untreated unchanged stable nkda nka zero"""
    ),
    pleasantries=phrases(
        """no problem | no problems at all | no worries | not at all | don't know | not sure | don't think so | don't mind
            | don't worry | no doubt | not bad | not too bad | can't complain | no need | don't forget | don't hesitate
            | never mind | not really | can't wait | no rush | no hurry | of course not | why not | not only | no more than
            | not more than | no later than | not less than | no less than | no thanks | no thank you | no question
            | no questions | no better | not better | not yet | can't remember | don't remember | can't recall | don't recall
            | no idea | can't say | couldn't say | don't see why | if not | or not | whether or not | no big deal | not long
            | nothing else | nothing to worry | don't you | isn't it | aren't you | didn't you | haven't you | doesn't it
            | not to worry | don't be | no matter | not just | don't let | nothing special | can't believe"""
    ),
    turns=words("but because although though except however so then since which"),
    conditions=words("if unless until when whether"),
    clinical=tuple(
        """pain hurt ache sore fever temperature cough cold phlegm sputum nause vomit throw sick diarrh constip stool
        bowel blood bleed clot dizz lighthead faint pass numb tingl weak swell swoll rash itch hive burn sting breath
        wheez chest heart palpit sleep tired fatigue appetite eat hungry weight smok cigar tobacco vap alcohol drink drug
        cannabis marijuana medic tablet pill dose allerg surg operat pregnan period seiz fall fell injur fractur vision
        see blur hear head migraine throat ear nose sinus back neck joint knee hip leg arm hand foot feet ankle
        shoulder stomach belly abdom urin pee water kidney liver lung thyroid diabet sugar cholest pressure hypertens
        cancer tumor lump mass asthma stroke infect antibiot vaccin shot inject insulin aspirin ibuprofen tylenol
        acetaminophen statin steroid murmur tender stiff discharge chill sweat anxi depress suicid mood thought harm
        memory confus gluten lactose exercise walk swallow nerve reflex rigid wound scar lesion mole bruise gain lows scale hypo anti sugar""".split()
    ),
    generic=("pain",),
    measures=words(
        """pulse rate pressure temperature temp saturation sats sat oxygen spo2 weight weigh ldl hdl a1c hba1c glucose
        sugar sugars creatinine potassium sodium hemoglobin cholesterol triglycerides tsh egfr inr psa bmi score ferritin
        systolic diastolic respirations crp"""
    ),
    yes=words("yes yeah yep yup correct right sure exactly absolutely definitely uh-huh"),
    no=words("no nope never none nah not"),
)
