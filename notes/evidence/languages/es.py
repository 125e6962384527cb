"""Spanish: what is no content word, and units; its numbers are read where they are digits."""

from __future__ import annotations

from notes.evidence.languages.language import Language, named, phrase, words

SPANISH = Language(
    code="es",
    stop_words=words(
        """a al algo alguna algún antes así aunque aún bien buenas buenos cada casi como cómo con cuando
        cuánto cual cuál cuáles de del desde después día días donde dónde dos e el él ella ellas ellos
        en entonces entre era eran es esa ese eso esta está están este esto estoy fue gracias ha había
        hace hacia han has hasta hay he hora horas hola la las le les lo los luego más me mes meses mi
        mí mientras minutos mucho muy nada ni no nos nosotros o otra otro para pero poco por porque pues
        que qué quien quién se sea semana semanas ser si sí sido siempre sin sobre solo son su sus
        también tan tanto te tener tengo ti tiene tienen todo todos tu tú un una uno unos unas usted va
        vale veces vez y ya yo año años doctor doctora señor señora paciente refiere niega presenta"""
    ),
    endings=phrase(
        """aciones acion mente iendo idad ando ados adas idos idas ado ada ido ida ar er ir es os as o
        a e s"""
    ),
    units=named(
        mg="miligramo miligramos",
        mcg="microgramo microgramos",
        g="gramo gramos",
        kg="kilo kilos kilogramo kilogramos",
        ml="mililitro mililitros",
        l="litro litros",
        units="unidad unidades ui",
        minute="minuto minutos",
        hour="hora horas",
        day="día días",
        week="semana semanas",
        month="mes meses",
        year="año años",
        tablet="comprimido comprimidos pastilla pastillas cápsula cápsulas tableta tabletas",
        degree="grado grados",
    ),
    ranges=words("a o"),
    over=frozenset({("sobre",), ("de",)}),
    times=words("veces vez"),
    per=words("al por"),
)
